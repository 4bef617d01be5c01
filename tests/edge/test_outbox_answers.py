"""Answers to pages on a real PostgreSQL: racing ones, the audit log they leave, and an episode's states as its table has them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import get_args

import pytest

from alerts import answers, ledger, mutes, outbox
from alerts.answers import Action, Answer, Kind, Outcome
from alerts.bedside import Alarms
from alerts.episode import OVER, Happening, State, follow
from alerts.lapses import lapse
from alerts.outbox import Claimed
from infra.database.connect import connect
from tests.episodes import MAIL, NOON, PAGER, Bedside, claim, shipped


@pytest.fixture
def bedside(postgres_url: str) -> Bedside:
    return Bedside(postgres_url)


def answer(bedside: Bedside, token: str, by: str) -> str:
    """What a clinician at a link is told, three minutes later."""
    with connect(bedside.url, autocommit=True) as connection:
        return answers.acknowledge(connection, token, by, NOON + timedelta(minutes=3))[0]


def test_of_answers_that_race_one_is_first_and_the_others_are_told(bedside: Bedside) -> None:
    bedside.take(8)
    [page] = claim(bedside)
    together = threading.Barrier(4)

    def race(name: str) -> str:
        together.wait()
        return answer(bedside, page.token, name)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(race, ("Ann", "Bob", "Cy", "Di")))
    assert sorted(outcomes) == ["acknowledged", "already", "already", "already"]
    [(who, state)] = bedside.ask("SELECT acknowledged_by, state FROM vigil.pages")
    assert state == "acknowledged"
    assert bedside.ask("SELECT actor, action FROM vigil.audit_log") == [(who, "acknowledge")]


def test_an_answer_and_an_acceptance_at_once_never_wait_for_each_other(bedside: Bedside) -> None:
    for number in range(25):
        bedside.take(8, mrn=str(number))
    pages = claim(bedside)
    together = threading.Barrier(2)

    def accept() -> None:
        with connect(bedside.url, autocommit=True) as connection:
            for page in pages:
                together.wait()
                outbox.accepted(connection, page, None, NOON)

    with ThreadPoolExecutor(2) as pool:
        accepting = pool.submit(accept)
        for page in pages:
            together.wait()
            assert answer(bedside, page.token, "Ann") == "acknowledged"
        accepting.result()
    assert bedside.ask("SELECT DISTINCT p.state, e.state FROM vigil.pages p JOIN vigil.episodes e USING (episode_id)") == [
        ("acknowledged", "acknowledged")
    ]


def test_an_unknown_link_answers_nothing(bedside: Bedside) -> None:
    assert answer(bedside, "no-such-token", "Ann") == "unknown"
    assert bedside.ask("SELECT count(*) FROM vigil.audit_log") == [(0,)]


def test_a_changed_or_missing_entry_of_the_audit_log_is_found(bedside: Bedside) -> None:
    for number in range(4):
        bedside.take(8, mrn=str(number))
    for page in claim(bedside):
        answer(bedside, page.token, "Ann")
    with connect(bedside.url) as connection, connection.cursor() as cursor:
        assert ledger.first_broken(cursor) is None
        cursor.execute("UPDATE vigil_store.audit_log SET actor = 'Eve' WHERE number = 3")
        assert ledger.first_broken(cursor) == 3
        connection.rollback()
        cursor.execute("DELETE FROM vigil_store.audit_log WHERE number = 2")
        assert ledger.first_broken(cursor) == 3
        connection.rollback()


def test_who_is_at_the_bedside_has_taken_it_on_and_the_first_to_come_is_the_one_who_came(bedside: Bedside) -> None:
    bedside.take(8)
    [page] = claim(bedside)
    with connect(bedside.url, autocommit=True) as connection:
        told = [answers.give(connection, page.token, Answer(kind="bedside", by=who), NOON)[0] for who in ("Ann", "Ann", "Bob")]
    assert told == ["taken", "already", "taken"]
    assert bedside.ask("SELECT state, bedside_by FROM vigil.episodes") == [("at_bedside", "Ann")]
    assert bedside.ask("SELECT state, acknowledged_by FROM vigil.pages") == [("acknowledged", "Ann")]
    assert bedside.ask("SELECT actor, action FROM vigil.audit_log") == [("Ann", "bedside"), ("Bob", "bedside")]


def test_of_outcomes_the_last_stands_and_all_are_kept(bedside: Bedside) -> None:
    bedside.take(8)
    [page] = claim(bedside)
    said: list[tuple[str, Outcome, Action]] = [("Ann", "true", "fluids"), ("Ann", "true", "fluids"), ("Bob", "false", "none")]
    with connect(bedside.url, autocommit=True) as connection:
        told = [
            answers.give(connection, page.token, Answer(kind="outcome", by=by, outcome=outcome, action=action), NOON)[0]
            for by, outcome, action in said
        ]
    assert told == ["taken", "already", "taken"]
    assert bedside.ask("SELECT state, outcome, outcome_action, outcome_by FROM vigil.episodes") == [
        ("acknowledged", "false", "none", "Bob")
    ]
    assert bedside.ask("SELECT kind, outcome, answered_by FROM vigil.answers ORDER BY answered_by, kind") == [
        ("acknowledge", None, "Ann"), ("outcome", "true", "Ann"), ("outcome", "false", "Bob"),
    ]  # fmt: skip
    with connect(bedside.url) as connection, connection.cursor() as cursor:
        assert ledger.first_broken(cursor) is None


def test_a_decline_that_races_an_acknowledgement_undoes_nothing(bedside: Bedside) -> None:
    for number in range(10):
        bedside.take(8, mrn=str(number))
    together = threading.Barrier(2)

    def give(kind: Kind, page: Claimed) -> str:
        together.wait()
        with connect(bedside.url, autocommit=True) as connection:
            return answers.give(connection, page.token, Answer(kind=kind, by=kind), NOON)[0]

    with ThreadPoolExecutor(2) as pool:
        for page in claim(bedside):
            declining = pool.submit(give, "decline", page)
            assert pool.submit(give, "acknowledge", page).result() == "taken"
            assert declining.result() in ("taken", "over")
    assert bedside.ask("SELECT DISTINCT state FROM vigil.episodes") == [("acknowledged",)]


HAPPENINGS: tuple[Happening, ...] = get_args(Happening)
STATES: tuple[State, ...] = get_args(State)
LATER = NOON + timedelta(hours=2)


@pytest.mark.parametrize("happening", HAPPENINGS)
@pytest.mark.parametrize("state", STATES)
def test_the_database_moves_an_episode_as_the_table_says(bedside: Bedside, state: State, happening: Happening) -> None:
    bedside.take(8)
    [page] = claim(bedside)
    bedside.do(
        "UPDATE vigil_store.episode SET state = %s, closed_at = %s, clearing_since = %s, expires_at = %s",
        state,
        NOON if state in OVER else None,
        NOON - timedelta(hours=1) if happening == "cleared" else None,
        NOON - timedelta(minutes=1) if happening == "silent" else NOON + timedelta(hours=24),
    )
    if state == "muted" and happening != "unmuted":
        bedside.do(
            "INSERT INTO vigil_store.mute (patient_id, reason, until, made_at, made_by) VALUES ('HOSP:1', 'known', %s, %s, 'Ann')",
            LATER,
            NOON,
        )
    _let(bedside, page, happening)
    assert bedside.ask("SELECT state FROM vigil_store.episode WHERE episode_id = %s", page.episode_id) == [(follow(state, happening),)]


def _let(bedside: Bedside, page: Claimed, happening: Happening) -> None:
    match happening:
        case "accepted":
            with connect(bedside.url, autocommit=True) as connection:
                outbox.accepted(connection, page, None, NOON)
        case "acknowledged":
            answer(bedside, page.token, "Ann")
        case "arrived":
            with connect(bedside.url, autocommit=True) as connection:
                answers.give(connection, page.token, Answer(kind="bedside", by="Ann"), NOON)
        case "cleared":
            bedside.take(1, minutes=2)
        case "left":
            bedside.take(1, minutes=2, status="discharged")
        case "merged":
            bedside.take(8, mrn="2")
            bedside.merge("1", "2")
        case "muted":
            with connect(bedside.url) as connection:
                mutes.mute(connection.cursor(), page.episode_id, "known", LATER, "Ann", NOON)
        case "unmuted" | "silent":
            with connect(bedside.url) as connection:
                lapse(connection.cursor(), NOON)
        case "transferred":
            bedside.units["1"] = "6E"
            bedside.take(8, minutes=2)
        case "risen":
            bedside.take(11, minutes=20)
        case "reminded":
            hour = timedelta(hours=1)
            bedside.alarms = Alarms(shipped(remind_unanswered=hour, remind_answered=hour), (PAGER, MAIL), bedside.metrics)
            bedside.take(8, minutes=90)
