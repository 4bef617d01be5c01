"""Escalation on a real PostgreSQL: each step once, at its time, by whichever pager is alive; never to a team whose patient left, never after an answer."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerts import answers, duties, outbox
from alerts.answers import Answer, Kind
from alerts.coverage import tell, uncovered
from alerts.people import Team
from alerts.schedule import Duty
from infra.database.connect import connect
from tests.episodes import NOON, claim
from tests.rosters import ROSTER, Ward


@pytest.fixture
def ward(postgres_url: str) -> Ward:
    return Ward(postgres_url)


def answer(ward: Ward, kind: Kind, who: str, minute: float = 1) -> str:
    """Whoever got the page to `who` answers it."""
    [(page_id,)] = ward.ask("SELECT page_id FROM vigil.pages WHERE coalesce(person, target) = %s AND channel = 'pager'", who)
    with connect(ward.url, autocommit=True) as connection:
        return answers.give(connection, page_id, Answer(kind=kind, by=who), NOON + timedelta(minutes=minute))[0]


def test_who_does_not_answer_is_followed_at_the_time_the_roster_says_and_then_by_the_line(ward: Ward) -> None:
    ward.take(5)
    assert ward.paged() == [(0, "urgent", "ann", "pager")]
    ward.at(9.9)
    assert len(ward.paged()) == 1
    for minute in (10, 10, 14, 15, 15, 500):
        ward.at(minute)
    assert ward.paged()[1:] == [(1, "urgent", "bob", "pager"), (2, "urgent", "2222", "pager")]
    assert ward.ask("SELECT step, next_step_at, next_reason FROM vigil.episodes") == [(2, None, "all_taken")]


def test_a_timer_outlives_every_pager(ward: Ward) -> None:
    ward.take(5)
    assert ward.ask("SELECT next_step_at FROM vigil.episodes") == [(NOON + timedelta(minutes=10),)]
    ward.at(300)
    assert ward.paged()[1:] == [(1, "urgent", "bob", "pager")]


def test_a_clock_that_is_set_back_puts_no_step_off_by_more_than_its_delay(ward: Ward) -> None:
    ward.take(5)
    ward.at(-120)
    assert ward.ask("SELECT next_step_at FROM vigil.episodes") == [(NOON - timedelta(minutes=110),)]
    ward.at(-110)
    assert sorted(ward.paged()) == [(0, "urgent", "ann", "pager"), (1, "urgent", "bob", "pager")]


def test_pagers_that_look_at_once_take_each_step_once(ward: Ward) -> None:
    for number in range(30):
        ward.take(5, mrn=str(number))
    together = threading.Barrier(4)

    def look() -> None:
        together.wait()
        ward.at(10)

    with ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(look) for _ in range(4)]:
            one.result()
    ward.at(10)
    assert ward.ask("SELECT step, count(*), count(DISTINCT episode_id) FROM vigil.pages GROUP BY step ORDER BY step") == [
        (0, 30, 30),
        (1, 30, 30),
    ]


def test_a_step_whose_pager_dies_before_the_commit_is_taken_by_the_next(ward: Ward) -> None:
    ward.take(5)
    dying = connect(ward.url)
    with dying.transaction(force_rollback=True):
        ward.steps().take_due(dying, NOON + timedelta(minutes=10))
        ward.at(10)  # the other finds it locked and passes on
    dying.close()
    assert len(ward.paged()) == 1
    ward.at(10)
    assert ward.paged()[1:] == [(1, "urgent", "bob", "pager")]


def test_nobody_is_paged_after_an_acknowledgement(ward: Ward) -> None:
    ward.take(5)
    assert answer(ward, "acknowledge", "ann") == "taken"
    ward.at(600)
    assert len(ward.paged()) == 1
    assert ward.ask("SELECT state, next_step_at FROM vigil.episodes") == [("acknowledged", None)]


def test_a_rise_after_an_acknowledgement_pages_by_its_own_tier(ward: Ward) -> None:
    ward.take(5)
    answer(ward, "acknowledge", "ann")
    ward.take(8, minutes=20)
    assert ward.paged()[1:] == [(0, "rapid_response", "2222", "pager")]
    assert ward.ask("SELECT risen FROM vigil_store.episode WHERE tier = 'rapid_response'") == [(True,)]


def test_a_rapid_response_silences_the_urgent_timer_of_the_same_patient(ward: Ward) -> None:
    ward.take(5)
    ward.take(8, minutes=5)
    ward.at(10)
    assert [(step, tier, who) for step, tier, who, _ in ward.paged()] == [
        (0, "urgent", "ann"), (0, "rapid_response", "2222"), (1, "rapid_response", "bob"),
    ]  # fmt: skip


def test_who_declines_is_followed_at_once(ward: Ward) -> None:
    ward.take(5)
    assert [answer(ward, "decline", "ann") for _ in range(2)] == ["taken", "already"]
    ward.at(1)
    ward.at(1)
    assert ward.paged()[1:] == [(1, "urgent", "bob", "pager")]
    assert ward.ask("SELECT declined_by FROM vigil.pages WHERE step = 0") == [("ann",)]
    assert ward.ask("SELECT actor, action FROM vigil.audit_log") == [("ann", "decline")]


def test_a_page_of_a_patient_who_left_is_followed_by_nobody(ward: Ward) -> None:
    ward.take(5)
    ward.take(5, minutes=5, status="discharged")
    ward.at(600)
    assert ward.ask("SELECT step, state FROM vigil.pages") == [(0, "withdrawn")]


def test_after_a_transfer_the_next_step_pages_the_new_units_team(ward: Ward) -> None:
    ward.do(
        "INSERT INTO vigil_store.encounter (patient_id, encounter_id, unit, bed, status, admitted_at, touched_at) VALUES ('HOSP:1', 'V1', '6E', '3', 'open', %s, %s)",
        NOON, NOON,
    )  # fmt: skip
    ward.take(5)
    ward.at(10)
    assert [(who, unit) for who, unit in ward.ask("SELECT person, unit FROM vigil.pages ORDER BY step")] == [("ann", "4W"), ("east", "6E")]


def fail(ward: Ward, *channels: str, permanent: bool = True) -> None:
    """These channels' providers refuse every page that waits, or cannot be reached."""
    for page in claim(ward):
        with connect(ward.url, autocommit=True) as connection:
            if page.channel not in channels:
                outbox.accepted(connection, page, None, NOON)
            elif permanent:
                outbox.failed(connection, page, "answered 400")
            else:
                outbox.retry(connection, page, "away", 3600.0)


def test_a_permanent_refusal_pages_the_persons_next_channel_at_once_and_then_the_next_person(ward: Ward) -> None:
    ward.take(5)
    fail(ward, "pager")
    ward.at(0)
    assert ward.paged()[1:] == [(0, "urgent", "ann", "mail")]
    fail(ward, "mail")
    ward.at(0)
    assert ward.paged()[2:] == [(1, "urgent", "bob", "pager")]


def test_a_provider_that_is_away_has_the_next_channel_paged_while_the_first_is_still_tried(ward: Ward) -> None:
    ward.take(5)
    fail(ward, "pager", permanent=False)
    ward.at(0)
    assert len(ward.paged()) == 1
    ward.do("UPDATE vigil_store.page SET first_failed_at = now() - interval '61 s'")
    ward.at(0)
    ward.at(0)
    assert ward.paged()[1:] == [(0, "urgent", "ann", "mail")]
    assert ward.ask("SELECT state FROM vigil.pages WHERE channel = 'pager'") == [("pending",)]


def test_where_no_channel_reaches_anybody_the_line_is_tried_until_somebody_is_reached(ward: Ward) -> None:
    ward.take(5)
    for minute in (0, 0, 0, 0, 0, 5, 10):
        fail(ward, "pager", "mail")
        ward.at(minute)
    assert [(step, who, channel) for step, _, who, channel in ward.paged()] == [
        (0, "ann", "pager"), (0, "ann", "mail"), (1, "bob", "pager"), (1, "bob", "mail"), (2, "2222", "pager"), (3, "2222", "pager"),
        (4, "2222", "pager"),
    ]  # fmt: skip
    fail(ward)
    ward.at(600)
    assert len(ward.paged()) == 7


def test_two_people_must_acknowledge_where_the_roster_wants_it(postgres_url: str) -> None:
    rule = replace(ROSTER.escalations[0], acknowledgements=2)
    ward = Ward(postgres_url, replace(ROSTER, escalations=(rule,)))
    ward.take(5)
    assert [answer(ward, "acknowledge", "ann", minute) for minute in (1, 2)] == ["taken", "already"]
    ward.at(10)
    assert ward.paged()[1:] == [(1, "urgent", "bob", "pager")]
    assert answer(ward, "acknowledge", "bob", 11) == "taken"
    ward.at(600)
    assert (len(ward.paged()), ward.ask("SELECT state FROM vigil.episodes")) == (2, [("acknowledged",)])


def test_a_swap_holds_for_the_next_page_and_stands_in_the_audit_log(ward: Ward) -> None:
    swap = Duty(duty_id="", team="doctors", person="cy", instead_of="ann", starts_at=NOON, ends_at=NOON + timedelta(hours=1))
    with connect(ward.url) as connection, connection.cursor() as cursor:
        number = duties.agree(cursor, swap, "Sister", NOON)
    ward.take(5, mrn="1")
    ward.take(5, mrn="2", minutes=60)
    assert (ward.paged("1")[0][2], ward.paged("2")[0][2]) == ("cy", "ann")
    with connect(ward.url) as connection, connection.cursor() as cursor:
        assert [duties.drop(cursor, number, "Sister", NOON) for _ in range(2)] == [True, False]
    assert ward.ask("SELECT action FROM vigil.audit_log ORDER BY at, action") == [("duty",), ("duty_dropped",)]


def test_a_gap_is_told_a_week_before_it_comes(ward: Ward) -> None:
    off = Duty(
        duty_id="",
        team="doctors",
        person=None,
        instead_of="ann",
        starts_at=NOON + timedelta(days=2),
        ends_at=NOON + timedelta(days=2, hours=8),
    )
    roster = replace(ROSTER, teams=ROSTER.teams | {"nights": Team(cover="as rostered")})
    with connect(ward.url, autocommit=True) as connection:
        with connection.transaction():
            duties.agree(connection.cursor(), off, "Sister", NOON)
        tell(connection, roster, ward.metrics, NOON)
        agreed = duties.between(connection.cursor(), NOON, NOON + timedelta(days=7))
    assert [(gap.team, gap.starts_at) for gap in uncovered(roster, agreed, NOON, NOON + timedelta(days=7))] == [("doctors", off.starts_at)]
    found = {team: ward.metrics.registry.get_sample_value("vigil_oncall_uncovered_seconds", {"team": team}) for team in roster.teams}
    assert found == {"doctors": 8 * 3600.0, "registrars": 0.0, "east": 0.0, "nights": 0.0}
