"""Hand-over on a real database: the new one is paged, the old one keeps it until the new one acknowledges; whatever races, one person has it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerts import answers
from alerts.answers import Answer, Kind
from alerts.people import EscalationRule, StepRule
from infra.database.connect import connect
from tests.episodes import NOON
from tests.rosters import ROSTER, Ward


@pytest.fixture
def ward(postgres_url: str) -> Ward:
    """One episode, whose page went to Ann."""
    one = Ward(postgres_url)
    one.take(5)
    return one


def page(ward: Ward, who: str, channel: str = "pager") -> str:
    """The last page to somebody."""
    rows = ward.ask(
        "SELECT page_id FROM vigil_store.page WHERE person = %s AND channel = %s ORDER BY created_at DESC, handover_id DESC NULLS LAST LIMIT 1",
        who, channel,
    )  # fmt: skip
    return str(rows[0][0])


def give(ward: Ward, who: str, kind: Kind, minute: float = 1, channel: str = "pager") -> str:
    with connect(ward.url, autocommit=True) as connection:
        return answers.give(connection, page(ward, who, channel), Answer(kind=kind, by=who), NOON + timedelta(minutes=minute))[0]


def hand_over(ward: Ward, to: str, minute: float = 2, whose: str = "ann") -> str:
    with connect(ward.url, autocommit=True) as connection:
        contacts = ROSTER.people[to].contacts
        return answers.hand_over(connection, page(ward, whose), to, contacts, whose, NOON + timedelta(minutes=minute))[0]


def owner(ward: Ward) -> str | None:
    [(found,)] = ward.ask("SELECT owner FROM vigil_store.episode")
    return None if found is None else str(found)


def endings(ward: Ward) -> list[tuple[str, str | None]]:
    return [(row[0], row[1]) for row in ward.ask("SELECT to_person, ending FROM vigil.handovers ORDER BY handover_id")]


def test_the_old_owner_keeps_it_until_the_new_one_acknowledges(ward: Ward) -> None:
    give(ward, "ann", "acknowledge")
    assert [hand_over(ward, "cy") for _ in range(2)] == ["offered", "already"]
    assert (ward.paged()[1:], owner(ward)) == ([(0, "urgent", "cy", "pager")], "ann")
    assert [give(ward, "cy", "acknowledge", 3) for _ in range(2)] == ["taken", "already"]
    assert (owner(ward), endings(ward)) == ("cy", [("cy", "taken")])
    ward.at(600)
    assert len(ward.paged()) == 2
    assert ward.ask("SELECT action, actor FROM vigil.audit_log ORDER BY at, action") == [
        ("acknowledge", "ann"), ("handover_offered", "ann"), ("acknowledge", "cy"), ("handover_taken", "cy"),
    ]  # fmt: skip


@pytest.mark.parametrize(("what", "ending", "minute"), [("declines", "declined", 3), ("never answers", "unanswered", 12)])
def test_whoever_offered_is_told_where_nobody_takes_it(ward: Ward, what: str, ending: str, minute: float) -> None:
    give(ward, "ann", "acknowledge")
    hand_over(ward, "cy")
    if what == "declines":
        assert [give(ward, "cy", "decline", minute) for _ in range(2)] == ["taken", "over"]
    ward.at(minute - 0.1)
    ward.at(minute)
    ward.at(minute + 60)
    assert ward.paged()[1:] == [(0, "urgent", "cy", "pager"), (0, "urgent", "ann", "pager")]
    assert (owner(ward), endings(ward)) == ("ann", [("cy", ending)])
    assert give(ward, "cy", "acknowledge", minute + 61) == "taken"  # he has seen it, and still it is not his
    assert owner(ward) == "ann"


def test_whoever_cannot_be_reached_is_tried_another_way_before_it_comes_back(ward: Ward) -> None:
    give(ward, "ann", "acknowledge")
    hand_over(ward, "cy")
    for minute, channel in ((3, "pager"), (4, "mail")):
        ward.do("UPDATE vigil_store.page SET state = 'failed' WHERE person = 'cy' AND channel = %s", channel)
        ward.at(minute)
        ward.at(minute)
    assert ward.paged()[1:] == [(0, "urgent", "cy", "pager"), (0, "urgent", "cy", "mail"), (0, "urgent", "ann", "pager")]
    assert endings(ward) == [("cy", "unreached")]
    assert hand_over(ward, "cy", 20) == "offered"


def test_of_two_who_are_asked_the_first_to_acknowledge_has_it(ward: Ward) -> None:
    give(ward, "ann", "acknowledge")
    assert [hand_over(ward, to) for to in ("bob", "cy")] == ["offered", "offered"]
    together = threading.Barrier(2)

    def answer(who: str) -> tuple[str, str]:
        together.wait()
        return who, give(ward, who, "acknowledge", 3)

    with ThreadPoolExecutor(2) as pool:
        results = dict(pool.map(answer, ("bob", "cy")))
    assert owner(ward) in ("bob", "cy")
    assert sorted(ending or "" for _, ending in endings(ward)) == ["over", "taken"]
    assert [who for who, ending in endings(ward) if ending == "taken"] == [owner(ward)]
    assert results[str(owner(ward))] == "taken"
    ward.at(60)
    assert len(ward.paged()) == 3


def test_before_anybody_has_acknowledged_the_escalation_goes_on_beside_the_offer(ward: Ward) -> None:
    hand_over(ward, "cy")
    ward.at(10)
    assert [(step, who) for step, _, who, _ in ward.paged()] == [(0, "ann"), (0, "cy"), (1, "bob")]
    give(ward, "bob", "acknowledge", 11)
    assert (owner(ward), endings(ward)) == ("bob", [("cy", "over")])
    ward.at(60)
    assert len(ward.paged()) == 3


def test_an_episode_that_is_over_is_handed_to_nobody_and_an_open_offer_ends_with_it(ward: Ward) -> None:
    give(ward, "ann", "acknowledge")
    hand_over(ward, "cy")
    ward.take(5, status="discharged", minutes=3)
    assert hand_over(ward, "bob", 4) == "over"
    ward.at(5)
    assert endings(ward) == [("cy", "over")]
    assert [who for _, _, who, _ in ward.paged()] == ["ann", "cy"]
    assert ward.ask("SELECT DISTINCT state FROM vigil.pages WHERE person = 'cy'") == [("withdrawn",)]


def test_a_pager_that_dies_while_it_tells_of_an_ended_offer_leaves_it_to_the_next(ward: Ward) -> None:
    give(ward, "ann", "acknowledge")
    hand_over(ward, "cy")
    dying = connect(ward.url)
    with dying.transaction(force_rollback=True):
        ward.steps().take_due(dying, NOON + timedelta(minutes=20))
        ward.at(20)
    dying.close()
    assert endings(ward) == [("cy", None)]
    ward.at(20)
    ward.at(20)
    assert endings(ward) == [("cy", "unanswered")]
    assert len(ward.paged()) == 3


def test_where_two_are_wanted_who_has_answered_is_not_paged_again_and_counts_once_under_any_name(postgres_url: str) -> None:
    rule = EscalationRule(
        tier="urgent", steps=(StepRule(page=("team:doctors",)), StepRule(page=("team:doctors", "team:registrars"), after_minutes=5)),
        repeat=1, acknowledgements=2,
    )  # fmt: skip
    ward = Ward(postgres_url, replace(ROSTER, escalations=(rule,)))
    ward.take(5)
    ward.do("UPDATE vigil_store.page SET state = 'failed'")
    ward.at(0)
    for name, channel in (("ann", "pager"), ("Dr Ann", "mail")):
        with connect(ward.url, autocommit=True) as connection:
            answers.give(connection, page(ward, "ann", channel), Answer(kind="acknowledge", by=name), NOON)
    assert ward.ask("SELECT state FROM vigil.episodes") != [("acknowledged",)]
    for minute in (5, 10, 15):
        ward.at(minute)
    assert [(step, who) for step, _, who, _ in ward.paged()][2:] == [(1, "bob"), (3, "bob")]
    assert give(ward, "bob", "acknowledge", 16) == "taken"
    assert ward.ask("SELECT state FROM vigil.episodes") == [("acknowledged",)]
