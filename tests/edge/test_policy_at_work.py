"""The policy within the worker's transaction on a real PostgreSQL: versions kept, transfers followed, rises paged anew, and time that runs out."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerts import answers
from alerts.answers import Answer
from alerts.lapses import lapse
from alerts.rules import Edition, Policy
from infra.database.connect import connect
from tests.episodes import NOON, Bedside, claim, shipped
from tests.rosters import Ward

EPISODES = "SELECT tier, state, closed_because, unit FROM vigil.episodes ORDER BY opened_at, episode_id"


@pytest.fixture
def ward(postgres_url: str) -> Ward:
    return Ward(postgres_url)


def acknowledge(ward: Bedside) -> None:
    for page in claim(ward):
        with connect(ward.url, autocommit=True) as connection:
            assert answers.give(connection, page.token, Answer(kind="acknowledge", by="Ann"), NOON)[0] == "taken"


def test_each_decision_names_the_version_that_was_in_force(postgres_url: str) -> None:
    [first] = shipped().editions
    everywhere = replace(
        first.everywhere, version="later", rules=tuple(replace(rule, dwell=timedelta(0)) for rule in first.everywhere.rules)
    )
    later = Edition(effective_from=NOON + timedelta(minutes=30), everywhere=everywhere, units={})
    ward = Ward(postgres_url, policy=Policy(editions=(first, later)))
    ward.take(5)
    ward.take(5, mrn="2", minutes=30)
    ward.take(0, minutes=40)
    assert ward.ask("SELECT policy_version, closed_policy_version FROM vigil.episodes ORDER BY opened_at") == [
        (first.version, "later"), ("later", None),
    ]  # fmt: skip
    ward.take(8, minutes=50)
    ward.take(5, minutes=50)
    assert ward.ask("SELECT reason, policy_version FROM vigil.suppressed") == [("higher_tier_open", "later")]


def test_an_unanswered_patient_who_moves_is_the_new_units_and_an_answered_one_stays_whose_they_are(ward: Ward) -> None:
    ward.take(5)
    ward.units["1"] = "6E"
    ward.take(5, minutes=3)
    assert ward.ask(EPISODES) == [("urgent", "transferred", "transferred", "4W"), ("urgent", "open", None, "6E")]
    assert [(who, unit) for who, unit in ward.ask("SELECT person, unit FROM vigil.pages ORDER BY created_at")] == [
        ("ann", "4W"),
        ("east", "6E"),
    ]
    assert ward.ask("SELECT state FROM vigil.pages ORDER BY created_at") == [("withdrawn",), ("pending",)]
    [(one,), (follows,)] = ward.ask("SELECT coalesce(follows, episode_id) FROM vigil.episodes ORDER BY opened_at")
    assert one == follows
    acknowledge(ward)
    ward.units["1"] = "4W"
    ward.take(5, minutes=6)
    ward.at(300)
    assert ward.ask(EPISODES)[1] == ("urgent", "acknowledged", None, "4W")
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(2,)]


def test_a_patient_who_moves_to_where_the_score_pages_nobody_is_paged_about_no_more(ward: Ward) -> None:
    ward.take(8)
    ward.units["1"] = "ICU"
    ward.take(9, minutes=3)
    ward.at(300)
    assert ward.ask(EPISODES) == [("rapid_response", "transferred", "excluded as intensive_care", "4W")]
    assert ward.ask("SELECT reason, detail FROM vigil.suppressed") == [("excluded", "intensive_care")]
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(1,)]


def test_an_episode_that_moved_is_cleared_by_its_score_as_before(ward: Ward) -> None:
    ward.take(5)
    ward.take(1, minutes=1)
    ward.units["1"] = "6E"
    ward.take(1, minutes=31)
    assert ward.ask(EPISODES) == [("urgent", "transferred", "transferred", "4W"), ("urgent", "resolved", "below_clear", "6E")]


def test_an_answered_episode_that_rises_further_has_a_new_one_in_its_place(ward: Ward) -> None:
    ward.take(7)
    ward.take(8, minutes=1)
    acknowledge(ward)
    for minute, value in ((2, 9), (3, 10), (4, 10)):
        ward.take(value, minutes=minute)
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(1,)]
    ward.take(11, minutes=5)
    ward.take(12, minutes=6)
    assert ward.ask(EPISODES) == [("rapid_response", "expired", "risen", "4W"), ("rapid_response", "open", None, "4W")]
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(2,)]
    assert ward.ask("SELECT peak FROM vigil.episodes ORDER BY opened_at") == [(8.0,), (12.0,)]


def test_what_nobody_answers_is_told_again_to_the_same_people_once_the_hours_are_over(postgres_url: str) -> None:
    ward = Ward(postgres_url, policy=shipped(remind_unanswered=timedelta(hours=6)))
    ward.take(5)
    for minute in (10, 15, 20):
        ward.at(minute)
    first = ward.paged()
    ward.take(5, minutes=374)
    assert ward.paged() == first
    ward.take(5, minutes=375)
    assert ward.ask("SELECT state, closed_because, split_part(reason, ' ', 3) FROM vigil.episodes ORDER BY opened_at") == [
        ("open", None, "unanswered") if number else ("expired", "unanswered", "threshold") for number in range(2)
    ]  # fmt: skip
    assert ward.paged()[len(first) :] == [first[0]]
    for minute in (385, 390, 400):
        ward.at(minute)
    assert ward.paged() == first * 2


def test_what_somebody_has_answered_is_told_again_only_where_the_policy_says_so(postgres_url: str) -> None:
    for policy, pages in ((shipped(), 1), (shipped(remind_answered=timedelta(hours=12)), 2)):
        ward = Ward(postgres_url, policy=policy)
        mrn, ward._offset = str(pages), 100 * pages
        ward.take(5, mrn=mrn)
        acknowledge(ward)
        ward.take(5, mrn=mrn, minutes=60 * 12 - 1)
        assert len(ward.paged(mrn)) == 1
        ward.take(5, mrn=mrn, minutes=60 * 12)
        ward.take(5, mrn=mrn, minutes=60 * 12 + 5)
        assert len(ward.paged(mrn)) == pages


def test_where_pagers_cannot_answer_a_further_rise_is_paged_all_the_same(postgres_url: str) -> None:
    bedside = Bedside(postgres_url)
    bedside.take(8)
    bedside.take(12, minutes=1)  # more of the same set of observations
    bedside.take(14, minutes=20)
    assert bedside.ask("SELECT count(*) FROM vigil.pages") == [(1,)]
    bedside.take(15, minutes=21)
    bedside.take(16, minutes=22)
    assert bedside.ask(EPISODES) == [("rapid_response", "expired", "risen", "4W"), ("rapid_response", "open", None, "4W")]
    assert bedside.ask("SELECT count(*) FROM vigil.pages") == [(2,)]


def test_two_of_three_counts_what_the_database_remembers_and_one_instant_once(postgres_url: str) -> None:
    ward = Ward(postgres_url, policy=shipped(times=2, of_last=3, within=timedelta(hours=2)))
    kept = 0
    for minute, value in ((0, 5), (0, 6), (20, 1), (40, 1), (60, 6), (70, 5)):
        moment = ward.moment("1", minute, "open")
        score = ward.score(moment, value, minute)
        with connect(ward.url) as connection:
            ward.write(connection.cursor(), [score])
            ward.alarms.decide(connection.cursor(), [moment], [score], NOON + timedelta(minutes=minute))
        kept += value >= 5
        assert ward.ask("SELECT count(*) FROM vigil.episodes") == [(int(minute == 70),)]
    assert ward.ask("SELECT sum(count) FROM vigil.suppressed WHERE reason = 'not_repeated'") == [(kept - 1,)]


def test_two_scores_of_one_batch_are_each_others_past_in_their_order(postgres_url: str) -> None:
    ward = Ward(postgres_url, policy=shipped(times=2, of_last=2, within=timedelta(hours=2)))
    moments = [ward.moment("1", minute, "open") for minute in (0, 5)]
    scores = [ward.score(moment, 5, minute) for moment, minute in zip(moments, (0, 5), strict=True)]
    with connect(ward.url) as connection:
        ward.write(connection.cursor(), scores)
        ward.alarms.decide(connection.cursor(), moments, scores, NOON + timedelta(minutes=5))
    assert ward.ask("SELECT score_id FROM vigil.episodes") == [(scores[1].score_id,)]
    assert ward.ask("SELECT first_score_id FROM vigil.suppressed") == [(scores[0].score_id,)]


def test_a_cool_down_outlives_the_worker(postgres_url: str) -> None:
    policy = shipped(cool_down=timedelta(hours=2), dwell=timedelta(0), rearm_rise=2.0)
    Ward(postgres_url, policy=policy).take(5, 0)
    ward = Ward(postgres_url, policy=policy)
    ward._offset = 100
    ward.take(5, minutes=60)
    assert ward.ask("SELECT reason FROM vigil.suppressed") == [("cooling_down",)]
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(1,)]
    ward.take(5, minutes=121)
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(2,)]


def test_an_episode_whose_patient_nobody_has_scored_for_a_day_expires_and_one_that_is_scored_does_not(ward: Ward) -> None:
    for mrn in ("1", "2"):
        ward.take(5, mrn=mrn)
    acknowledge(ward)
    moment = ward.moment("2", 60 * 20, "open")
    with connect(ward.url) as connection:
        ward.write(connection.cursor(), [ward.score(moment, 5, 60 * 20)])
    ward.at(60 * 24 - 1)
    assert ward.ask("SELECT count(*) FROM vigil.episodes WHERE state = 'acknowledged'") == [(2,)]
    ward.at(60 * 24)
    assert ward.ask("SELECT patient_id, state, closed_because FROM vigil.episodes ORDER BY patient_id") == [
        ("HOSP:1", "expired", "silent"), ("HOSP:2", "acknowledged", None),
    ]  # fmt: skip
    ward.at(60 * 44)
    assert ward.ask("SELECT DISTINCT state FROM vigil.episodes") == [("expired",)]


def test_what_lapses_does_so_once_whoever_looks(ward: Ward) -> None:
    ward.take(5)
    for _ in range(2):
        with connect(ward.url) as connection:
            lapse(connection.cursor(), NOON + timedelta(days=2))
    assert ward.ask("SELECT state, closed_at FROM vigil.episodes") == [("expired", NOON + timedelta(days=2))]
    assert ward.ask("SELECT state, last_error FROM vigil.pages") == [("withdrawn", "expired")]
