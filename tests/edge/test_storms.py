"""A ward outage and a monitor gone wrong on a real PostgreSQL: one page that says how many, every patient still an episode, and none of them lost."""

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import answers
from alerts.answers import Answer
from alerts.rules import Storms
from alerts.storms import Raise, counted, storm
from infra.database.connect import connect
from tests.episodes import NOON, claim, shipped
from tests.rosters import Ward

OWN, ONE_MONITOR = 7, {"spo2_pct": 3.0, "hr_per_min": 1.0, "temp_c": 1.0}
"""So many of a unit have their own pages by the shipped policy; the next is the eighth."""


numbers = count(1)


def ward_storms() -> Storms:
    limits = shipped(storms=True).editions[0].everywhere.storms
    assert limits is not None
    return limits


@pytest.fixture
def ward(postgres_url: str) -> Ward:
    return Ward(postgres_url, policy=shipped(storms=True))


def raised(ward: Ward, *numbers: int, value: float = 5, minutes: float = 0, parts: dict[str, float] | None = None) -> None:
    moments = [ward.moment(str(number), minutes, "open") for number in numbers]
    ward.again(moments, [ward.score(one, value, minutes, parts or {}) for one in moments], minutes)


def groups(ward: Ward) -> list[tuple[object, ...]]:
    return ward.ask("SELECT reason, unit, alerts, state FROM vigil.episodes WHERE alerts > 1 ORDER BY reason")


def test_a_ward_outage_is_one_page_that_says_how_many_and_every_patient_is_an_episode(ward: Ward) -> None:
    raised(ward, *range(30))
    assert ward.ask("SELECT count(*) FROM vigil.episodes WHERE alerts = 1 AND state = 'open'") == [(30,)]
    assert groups(ward) == [("storm unit", "4W", 30, "open")]
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(OWN + 1,)]
    [page] = [one for one in claim(ward) if one.alerts > 1]
    assert page.alerts == 30
    assert ward.ask("SELECT reason, detail, sum(count) FROM vigil.suppressed GROUP BY 1, 2") == [("grouped", "unit", 30 - OWN)]
    assert ward.ask(
        "SELECT count(*) FROM vigil.episodes WHERE grouped_in IS NOT NULL AND next_step_at = %s", NOON + timedelta(minutes=10)
    ) == [(30 - OWN,)]


def test_rapid_response_is_never_grouped(ward: Ward) -> None:
    raised(ward, *range(30), value=8)
    assert groups(ward) == []
    assert ward.ask("SELECT count(*) FROM vigil.pages WHERE tier = 'rapid_response'") == [(30,)]


def test_whoever_answers_the_storms_page_has_answered_all_who_were_in_it_by_then(ward: Ward) -> None:
    raised(ward, *range(12))
    [page] = [one for one in claim(ward) if one.alerts > 1]
    with connect(ward.url, autocommit=True) as connection:
        assert answers.give(connection, page.token, Answer(kind="acknowledge", by="ann"), NOON)[0] == "taken"
    raised(ward, 50, minutes=2)
    ward.at(60)
    silent = "SELECT count(*) FROM vigil.episodes e WHERE grouped_in IS NOT NULL AND NOT EXISTS (SELECT FROM vigil.pages p WHERE p.episode_id = e.episode_id)"
    assert ward.ask(silent + " AND state = 'acknowledged'") == [(12 - OWN,)]
    assert ward.ask("SELECT count(*) FROM vigil.pages p JOIN vigil.episodes e USING (episode_id) WHERE e.patient_id = 'HOSP:50'") != [(0,)]


def test_where_nobody_answers_the_storm_each_who_is_still_ill_has_a_page_of_their_own_after_the_hold(ward: Ward) -> None:
    raised(ward, *range(12))
    paged = "SELECT count(DISTINCT e.patient_id) FROM vigil.pages p JOIN vigil.episodes e USING (episode_id) WHERE e.alerts = 1"
    ward.at(9)
    assert ward.ask(paged) == [(OWN,)]
    ward.at(10)
    assert ward.ask(paged) == [(12,)]
    assert groups(ward) == [("storm unit", "4W", 12, "resolved")]


def test_who_clears_while_the_storm_speaks_for_them_is_nobodys_page(postgres_url: str) -> None:
    ward = Ward(postgres_url, policy=shipped(storms=True, dwell=timedelta(0)))
    raised(ward, *range(9))
    raised(ward, 8, value=0, minutes=5)
    ward.at(30)
    mine = "SELECT count(p.page_id), e.state FROM vigil.episodes e LEFT JOIN vigil.pages p USING (episode_id) WHERE e.patient_id = 'HOSP:8' GROUP BY 2"
    assert ward.ask(mine) == [(0, "resolved")]


def test_one_input_that_goes_wrong_everywhere_is_told_once(ward: Ward) -> None:
    for number in range(20):
        ward.units[str(number)] = f"unit {number}"
        raised(ward, number, parts=ONE_MONITOR)
    assert groups(ward) == [("storm input spo2_pct", "several units", 20, "open")]
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(15,)]


def test_a_probe_that_comes_off_again_and_again_is_told_once_as_that(postgres_url: str) -> None:
    ward = Ward(postgres_url, policy=shipped(storms=True, dwell=timedelta(0)))
    for minute in range(0, 60, 10):
        raised(ward, 1, minutes=minute, parts=ONE_MONITOR)
        raised(ward, 1, value=0, minutes=minute + 5)
    assert groups(ward) == [("storm bed spo2_pct", "4W", 6, "open")]
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(4,)]


def test_raises_that_come_one_by_one_over_the_day_are_no_storm(ward: Ward) -> None:
    for number in range(20):
        raised(ward, number, minutes=20 * number)
    assert groups(ward) == []
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(20,)]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raises=st.lists(
        st.tuples(st.integers(1, 30), st.integers(0, 4), st.sampled_from(("4W", "6E")), st.sampled_from(("spo2_pct", "hr_per_min", ""))),
        min_size=20, max_size=45,
    )
)  # fmt: skip
def test_the_simulation_groups_what_the_bedside_groups(postgres_url: str, raises: list[tuple[int, int, str, str]]) -> None:
    ward = Ward(postgres_url, policy=shipped(storms=True, dwell=timedelta(0), cool_down=timedelta(0)))
    limits = ward_storms()
    lately: list[Raise] = []
    minute, start = 0, next(numbers)
    for number, later, unit, heaviest in raises:
        minute += later
        name = str(start * 100 + number)
        ward.units[name] = unit
        raised(ward, int(name), minutes=minute, parts={heaviest: 5.0} if heaviest else {})
        this = Raise(NOON + timedelta(minutes=minute), f"HOSP:{name}", unit, heaviest)
        mine = "SELECT grouped_in IS NOT NULL FROM vigil_store.episode WHERE patient_id = %s ORDER BY opened_at DESC, closed_at NULLS FIRST LIMIT 1"
        assert ward.ask(mine, this.patient_id) == [(storm(limits, "urgent", counted(limits, this, lately)) is not None,)]
        lately.append(this)
        raised(ward, int(name), value=0, minutes=minute)
    ward.do("DELETE FROM vigil_store.suppression; DELETE FROM vigil_store.page; DELETE FROM vigil_store.episode")


def test_a_batch_that_is_processed_again_joins_no_storm_twice(ward: Ward) -> None:
    moments = [ward.moment(str(number), 0, "open") for number in range(12)]
    scores = [ward.score(one, 5, 0) for one in moments]
    for _ in range(3):
        ward.again(moments, scores)
    assert groups(ward) == [("storm unit", "4W", 12, "open")]
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(OWN + 1,)]
