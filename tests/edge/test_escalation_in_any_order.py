"""Scores, answers, refusals, clock steps, merges and discharges in any order, on a real PostgreSQL: what must hold after each of them."""

from datetime import timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import answers, mutes, outbox
from alerts.answers import Answer, Kind
from infra.database.connect import connect
from tests.episodes import NOON
from tests.rosters import Ward

numbers = count(1)

happenings = st.lists(
    st.one_of(
        st.tuples(st.just("score"), st.sampled_from((0, 1)), st.sampled_from((0, 3, 5, 6, 8, 12))),
        st.tuples(st.sampled_from(("acknowledge", "decline", "bedside")), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("deliver"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("wait"), st.integers(-2, 45), st.just(0)),
        st.tuples(st.just("leave"), st.sampled_from((0, 1)), st.just(0)),
        st.tuples(st.just("merge"), st.just(0), st.just(0)),
        st.tuples(st.just("transfer"), st.sampled_from((0, 1)), st.sampled_from((0, 1, 2))),
        st.tuples(st.just("mute"), st.sampled_from((0, 1)), st.sampled_from((5, 60))),
    ),
    min_size=3, max_size=18,
)  # fmt: skip


class Life:
    """Two patients of their own, and everything that happens to them."""

    def __init__(self, ward: Ward) -> None:
        self.ward, self.minute = ward, 0.0
        self.patients = [str(next(numbers)) for _ in range(2)]
        self.gone: set[str] = set()

    def let(self, what: str, number: int, value: float) -> None:
        match what:
            case "score" if self.patients[number] not in self.gone:
                self.ward.take(value, mrn=self.patients[number], minutes=self.minute)
            case "acknowledge" | "decline" | "bedside":
                self._answer("acknowledge" if what == "acknowledge" else "decline" if what == "decline" else "bedside", number)
            case "deliver":
                self._deliver(number)
            case "wait":
                self.minute += number
                self.ward.at(self.minute)
            case "leave":
                self.ward.take(0, mrn=self.patients[number], minutes=self.minute, status="discharged")
                self.gone.add(self.patients[number])
            case "transfer" if self.patients[number] not in self.gone:
                self.ward.units[self.patients[number]] = ("4W", "6E", "ICU")[int(value)]
                self.ward.take(0, mrn=self.patients[number], minutes=self.minute)
            case "mute":
                self._mute(self.patients[number], value)
            case "merge":
                self.ward.merge(*self.patients)
                if self.patients[0] not in self.gone:  # whose visit goes on is the survivor's
                    self.gone.discard(self.patients[1])
                self.gone.add(self.patients[0])

    def pages(self) -> list[tuple[str, ...]]:
        return self.ward.ask(
            "SELECT p.page_id FROM vigil.pages p JOIN vigil_store.episode e USING (episode_id) WHERE e.patient_id = ANY(%s) ORDER BY p.created_at, p.page_id",
            [f"HOSP:{one}" for one in self.patients],
        )

    def _answer(self, kind: Kind, number: int) -> None:
        pages = self.pages()
        if pages:
            with connect(self.ward.url, autocommit=True) as connection:
                answers.give(
                    connection, pages[number % len(pages)][0], Answer(kind=kind, by=f"Dr {number}"), NOON + timedelta(minutes=self.minute)
                )

    def _mute(self, mrn: str, minutes: float) -> None:
        at = NOON + timedelta(minutes=self.minute)
        with connect(self.ward.url) as connection:
            for (episode_id,) in self.ward.ask("SELECT episode_id FROM vigil_store.episode WHERE patient_id = %s LIMIT 1", f"HOSP:{mrn}"):
                mutes.mute(connection.cursor(), episode_id, "known", at + timedelta(minutes=minutes), "Dr Ann", at)

    def _deliver(self, how: int) -> None:
        """All that waits is accepted, refused, or finds its provider away for longer than anybody waits."""
        with connect(self.ward.url, autocommit=True) as connection:
            for page in outbox.claim(connection, 30.0, 100):
                match how:
                    case 0:
                        outbox.accepted(connection, page, None, NOON)
                    case 1:
                        outbox.failed(connection, page, "answered 400")
                    case _:
                        outbox.retry(connection, page, "away", 0.0)
                        connection.execute(
                            "UPDATE vigil_store.page SET first_failed_at = now() - interval '2 min' WHERE page_id = %s", (page.page_id,)
                        )


OWNERLESS = """
SELECT e.episode_id FROM vigil_store.episode AS e
WHERE e.closed_at IS NULL AND e.state IN ('open', 'notified') AND e.next_step_at IS NULL
    AND NOT EXISTS (
        SELECT FROM vigil_store.page AS p WHERE p.episode_id = e.episode_id AND p.declined_at IS NULL
            AND (p.state IN ('accepted', 'sending') OR (p.state = 'pending' AND p.first_failed_at IS NULL))
    )
"""
PAGES_OF = "SELECT e.episode_id, e.state, e.closed_at IS NOT NULL, count(p.page_id) FROM vigil_store.episode e LEFT JOIN vigil_store.page p USING (episode_id) GROUP BY 1"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happenings=happenings)
def test_no_episode_without_an_owner_no_page_after_an_answer_and_none_to_a_team_whose_patient_left(
    postgres_url: str, happenings: list[tuple[str, int, float]]
) -> None:
    ward = Ward(postgres_url)
    life = Life(ward)
    answered: dict[str, int] = {}
    for happening in happenings:
        life.let(*happening)
        ward.at(life.minute)
        assert ward.ask(OWNERLESS) == []
        for episode_id, state, over, pages in ward.ask(PAGES_OF):
            if state in ("acknowledged", "at_bedside", "transferred") or over:
                assert answered.setdefault(episode_id, pages) == pages
        assert ward.ask("SELECT count(*) - count(DISTINCT (episode_id, step, channel, target)) FROM vigil.pages") == [(0,)]
    for one in life.gone:
        waiting = "SELECT count(*) FROM vigil.pages p JOIN vigil_store.episode e USING (episode_id) WHERE e.patient_id = %s AND p.state = 'pending'"
        assert ward.ask(waiting, f"HOSP:{one}") == [(0,)]
    ward.do("UPDATE vigil_store.episode SET closed_at = now(), state = 'closed' WHERE closed_at IS NULL; DELETE FROM vigil_store.answer; DELETE FROM vigil_store.mute; DELETE FROM vigil_store.page; DELETE FROM vigil_store.episode")  # fmt: skip
