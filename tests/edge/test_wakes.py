"""Deadlines that pass although no message comes, on a real PostgreSQL: each tells once, in time, whoever dies, and after an outage nobody of the past."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from alerts.bedside import Alarms
from alerts.policy_file import load
from infra.database.connect import connect
from infra.metrics import Metrics
from scoring import store
from scoring.score import Score
from scoring.watched import Watching
from streams import identity
from streams.processing import Moment
from streams.progress import seed
from streams.record import Record
from streams.transaction import Transactor
from tests.episodes import MAIL
from tests.hl7 import adt, given, merge, ordered, oru
from tests.workers import NOON, record, rows

POLICY = 'version = "t"\nmax_age_minutes = 60\n[tiers.urgent]\nscore = "sep1"\nraise_at = 1\nclear_below = 1\ndwell_minutes = 0\n'
SEPTIC = {"hr": 120, "temp": 38.6, "creatinine": 2.4}
"""Two signs of SIRS and a failing kidney: with an antibiotic ordered, severe sepsis. Lactate and antibiotic are due in three hours, and press from two on."""
SCORES = "SELECT score_id, value, explanation ->> 'at' FROM vigil.scores ORDER BY scored_at, score_id"
EPISODES = "SELECT patient_id, state, opened_at FROM vigil.episodes ORDER BY opened_at"


class Written:
    """A scorer that only writes what the watched scores made."""

    def recall(self, cursor: psycopg.Cursor, moments: Sequence[Moment]) -> None:
        assert not cursor.closed

    def score(self, moments: Sequence[Moment], now: datetime) -> list[Score]:
        return []

    def write(self, cursor: psycopg.Cursor, scores: Sequence[Score]) -> None:
        store.write(cursor, scores)


class Ward:
    """One worker by the sepsis policy, with a clock to turn; `url` is shared by several."""

    def __init__(self, url: str, policy: Path) -> None:
        self.url, self.now = url, NOON
        self.alarms = Alarms(load(policy, 0.2), (MAIL,), Metrics(CollectorRegistry()))
        watching = Watching(Written(), lambda: ("sep1",))
        self.transactor: Transactor[Score] = Transactor(
            lambda: connect(url), watching, self.alarms, now=lambda: self.now, timezones={}, quarantine=lambda _: None, timers=watching
        )

    def take(self, *messages: tuple[float, bytes], partition: int = 0) -> None:
        """Messages received so many minutes after noon, one batch; the clock then stands at the last."""
        batch: list[Record] = []
        [reached] = [
            offset for place, offset in rows(self.url, "SELECT partition, next_offset FROM vigil_store.progress") if place == partition
        ]
        for number, (minutes, raw) in enumerate(messages):
            batch.append(record(reached + number, raw, minutes=int(minutes), partition=partition))
            self.now = max(self.now, NOON + timedelta(minutes=minutes))
        self.transactor.record(batch)

    def look(self, minutes: float, *partitions: int) -> int:
        """The worker looks at the clock; tells how many scores that made."""
        self.now = NOON + timedelta(minutes=minutes)
        return len(self.transactor.wake(partitions or (0,)).scores)


@pytest.fixture
def wards(postgres_url: str, tmp_path: Path) -> Iterator[Callable[[], Ward]]:
    (tmp_path / "policy.toml").write_text(POLICY)
    with connect(postgres_url) as connection:
        seed(connection.cursor(), {("hl7.oru", partition): 0 for partition in (0, 1)})
    made: list[Ward] = []

    def another() -> Ward:
        made.append(Ward(postgres_url, tmp_path / "policy.toml"))
        return made[-1]

    yield another
    for one in made:
        one.transactor.forget()


@pytest.fixture
def ward(wards: Callable[[], Ward]) -> Ward:
    one = wards()
    one.take((-60, ordered("1", NOON - timedelta(hours=1))), (0, oru("1", NOON, SEPTIC)))
    return one


def told(ward: Ward) -> list[tuple[Any, ...]]:
    return rows(ward.url, SCORES)[2:]  # beside those of the two messages


def test_an_element_that_nobody_gives_pages_an_hour_before_its_deadline_though_no_message_comes(ward: Ward) -> None:
    assert rows(ward.url, "SELECT patient_id, partition, due_at FROM vigil_store.wake_up") == [("HOSP:1", 0, NOON + timedelta(hours=2))]
    assert (ward.look(119.9), ward.look(120.1), ward.look(121)) == (0, 1, 0)
    [(_, value, at)] = told(ward)
    assert (value, datetime.fromisoformat(at)) == (2.0, NOON + timedelta(hours=2))
    assert rows(ward.url, EPISODES) == [("HOSP:1", "open", NOON + timedelta(minutes=120.1))]
    assert rows(ward.url, "SELECT tier, state FROM vigil.pages") == [("urgent", "pending")]
    assert ward.look(241) == 1
    assert [state for _, state, _ in rows(ward.url, EPISODES)] == ["resolved"]
    assert rows(ward.url, "SELECT count(*) FROM vigil_store.wake_up") == [(0,)]


def test_what_is_given_in_time_pages_nobody(ward: Ward) -> None:
    ward.take((30, given("1", NOON + timedelta(minutes=30))), (40, oru("1", NOON + timedelta(minutes=40), {"lactate": 1.4})))
    assert ward.look(300) == 0
    assert rows(ward.url, EPISODES) == []


def test_an_antibiotic_ordered_after_everything_else_starts_the_clock(wards: Callable[[], Ward]) -> None:
    one = wards()
    one.take((0, oru("1", NOON, SEPTIC)))
    assert rows(one.url, "SELECT count(*) FROM vigil_store.wake_up") == [(0,)]
    one.take((60, ordered("1", NOON + timedelta(minutes=60))))
    assert rows(one.url, "SELECT due_at FROM vigil_store.wake_up") == [(NOON + timedelta(hours=3),)]


def test_a_worker_that_comes_cold_wakes_whom_the_one_before_would_have(ward: Ward, wards: Callable[[], Ward]) -> None:
    other = wards()
    assert (other.look(121, 1), other.look(121, 0, 1), ward.look(121)) == (0, 1, 0)
    assert len(rows(ward.url, "SELECT page_id FROM vigil.pages")) == 1


def test_a_worker_killed_within_the_transaction_has_done_nothing_and_the_next_does_the_same_once(
    ward: Ward, wards: Callable[[], Ward], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(ward.alarms, "decide", killed)
        with pytest.raises(ConnectionError):
            ward.look(121)
    assert told(ward) == []
    assert wards().look(122) == 1
    assert [datetime.fromisoformat(at) for _, _, at in told(ward)] == [NOON + timedelta(hours=2)]
    assert len(rows(ward.url, "SELECT page_id FROM vigil.pages")) == 1


@pytest.mark.parametrize("looks", [(), (121,), (121, 122)])
def test_a_message_that_comes_after_the_deadline_finds_the_same_row_whether_the_worker_looked_or_not(
    ward: Ward, looks: tuple[float, ...]
) -> None:
    for minutes in looks:
        ward.look(minutes)
    ward.take((123, given("1", NOON + timedelta(minutes=123))))
    scores = told(ward)
    assert [(value, datetime.fromisoformat(at)) for _, value, at in scores if _.startswith("wake/")] == [(2.0, NOON + timedelta(hours=2))]
    assert sorted(value for _, value, _ in scores) == [1.0, 2.0]
    assert len(rows(ward.url, "SELECT page_id FROM vigil.pages")) == 1


def test_after_an_outage_nobody_is_paged_about_a_deadline_of_the_past_and_somebody_about_the_present(
    ward: Ward, wards: Callable[[], Ward]
) -> None:
    ward.take((0, ordered("2", NOON)), (20, oru("2", NOON + timedelta(minutes=20), SEPTIC)))
    other = wards()
    assert other.look(250) == 5
    assert {patient for patient, _, _ in rows(ward.url, EPISODES)} == {"HOSP:2"}
    assert rows(ward.url, "SELECT created_at FROM vigil.pages") == [(NOON + timedelta(minutes=250),)]


def test_who_leaves_and_who_is_merged_away_is_not_woken_and_the_survivor_is(ward: Ward) -> None:
    ward.take((5, merge("9", "1", NOON + timedelta(minutes=5))))
    assert rows(ward.url, "SELECT patient_id FROM vigil_store.wake_up") == [("HOSP:9",)]
    assert ward.look(121) == 1
    assert rows(ward.url, "SELECT patient_id FROM vigil.episodes") == [("HOSP:9",)]
    ward.take((130, adt("A03", "9", NOON + timedelta(minutes=130), visit="V1")))
    assert rows(ward.url, "SELECT count(*) FROM vigil_store.wake_up") == [(0,)]


def test_a_merge_taken_back_has_both_scored_on_what_is_their_own(ward: Ward) -> None:
    ward.take((4, oru("9", NOON, {"hr": 70})), (5, merge("9", "1", NOON + timedelta(minutes=5))))
    with connect(ward.url) as connection, connection.transaction(), connection.cursor() as cursor:
        assert identity.unmerge(cursor, "HOSP:1", NOON + timedelta(minutes=10)) == "HOSP:9"
    assert ward.look(11) == 1
    assert rows(ward.url, "SELECT patient_id, due_at FROM vigil_store.wake_up") == [("HOSP:1", NOON + timedelta(hours=2))]
