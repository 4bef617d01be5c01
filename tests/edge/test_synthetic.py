"""Patients nobody has, in a real database: their pages go to the test target, they stand in no view, report or board, and their trials end."""

from dataclasses import replace as changed

import pytest
from msgspec.structs import replace

from alerts import rapid_response, synthetic
from alerts.bedside import Alarms
from alerts.board.ward import ward as board
from alerts.policy_file import load
from alerts.routing import Route
from infra.database.connect import connect
from streams.movements import Encounter
from streams.patient import PatientState
from streams.synthetic import is_synthetic
from tests.episodes import NOON
from tests.rosters import ROSTER, Ward

TEST = Route(tier="synthetic", channel="hook", target="test")
NUMBERS = ("VIGIL:HEARTBEAT", "VIGIL:SYNTHETIC-MAIN-0", "VIGIL:SYNTHETIC-GE-CARESCAPE-11")


class Trial(Ward):
    """A ward that also has a test target."""

    def __init__(self, url: str, routes: tuple[Route, ...] = (TEST,)) -> None:
        super().__init__(url)
        self.alarms = Alarms(load(None, model_threshold=0.2), routes, self.metrics, lambda: ROSTER)

    def raise_for(self, patient_id: str) -> None:
        moment = changed(
            self.moment("x", 0, "open"),
            patient=PatientState(patient_id=patient_id, encounter=Encounter(encounter_id="V", unit="4W", bed="9")),
        )
        self.again([moment], [replace(self.score(moment, 9, 0), patient_id=patient_id)])


def test_its_page_goes_to_the_test_target_and_to_nobody_else_even_where_that_fails(postgres_url: str) -> None:
    trial = Trial(postgres_url)
    trial.raise_for("VIGIL:SYNTHETIC-MAIN-0")
    trial.do("UPDATE vigil_store.page SET state = 'failed'")
    for minute in (0, 5, 10, 60):
        trial.at(minute)
    assert trial.ask("SELECT DISTINCT channel, target FROM vigil_store.page") == [("hook", "test")]


@pytest.mark.parametrize("route", [(), (replace(TEST, channel="pager", target="ann"),), (replace(TEST, channel="pager", target="2222"),)])
def test_without_a_target_of_its_own_nobody_is_paged(postgres_url: str, route: tuple[Route, ...]) -> None:
    trial = Trial(postgres_url, route)
    trial.raise_for("VIGIL:SYNTHETIC-MAIN-0")
    trial.at(10)
    assert trial.ask("SELECT channel, state FROM vigil_store.page") == [("none", "failed")]


def test_a_number_that_only_looks_like_one_is_a_patient(postgres_url: str) -> None:
    trial = Trial(postgres_url)
    for patient_id in ("VIGIL:4711", "VIGIL:SYNTHETIC-", "HOSP:SYNTHETIC-MAIN-0", "VIGIL-CALL:4W/12"):
        trial.raise_for(patient_id)
    assert trial.ask("SELECT DISTINCT target FROM vigil.pages") == [("2222",)]
    assert trial.ask("SELECT count(*) FROM vigil.episodes") == [(4,)]


def test_sql_and_python_know_them_by_the_same_rule(postgres_url: str) -> None:
    trial = Trial(postgres_url)
    for one in (*NUMBERS, "VIGIL:4711", "VIGIL:SYNTHETIC-", "VIGIL:SYNTHETIC-a", "VIGIL:SYNTHETIC-A\n", "HOSP:1", "XVIGIL:HEARTBEAT", ""):
        assert trial.ask("SELECT vigil.is_synthetic(%s)", one) == [(is_synthetic(one),)], one


VIEWS = (
    "episodes", "pages", "scores", "observations", "events", "suppressed", "encounters", "locations", "rrt_calls", "cardiac_arrests", "admissions", "rrt_monthly",
    "treatment_team",
)  # fmt: skip


def test_it_stands_in_no_view_and_on_no_board(postgres_url: str) -> None:
    trial = Trial(postgres_url)
    for number, patient_id in enumerate(NUMBERS):
        trial.raise_for(patient_id)
        names = (patient_id, NOON, number)
        trial.do("INSERT INTO vigil_store.encounter VALUES (%s, 'V', '4W', '9', 'I', %s, NULL, NULL, 'open', now())", *names[:2])
        trial.do("INSERT INTO vigil_store.stay VALUES (%s, 'V', '4W', '9', %s, NULL)", *names[:2])
        trial.do(
            "INSERT INTO vigil_store.score VALUES (%s || 's', %s, NULL, 'news2', '1', 9, 9, false, %s, now(), 'live', '{}')",
            str(number),
            *names[:2],
        )
        trial.do("INSERT INTO vigil_store.suppression VALUES (%s, 'urgent', 'muted', '', %s, 's', 1, now())", *names[:2])
        trial.do(
            "INSERT INTO vigil_store.observation (patient_id, code, observed_at, received_at, status, topic, partition, \"offset\", ordinal)"
            " VALUES (%s, '8867-4', %s, now(), 'final', 'hl7.oru', 0, %s, 0)", *names,
        )  # fmt: skip
        trial.do(
            "INSERT INTO vigil_store.event (patient_id, kind, occurred_at, received_at, detail, topic, partition, \"offset\", ordinal)"
            " VALUES (%s, 'team', %s, now(), '{\"members\": [{\"role\": \"attending\", \"identifier\": \"1\"}]}', 'hl7.adt', 0, %s, 0)", *names,
        )  # fmt: skip
        trial.do("INSERT INTO vigil_store.cardiac_arrest VALUES (DEFAULT, %s, NULL, '4W', NULL, %s, now(), 'x')", *names[:2])
    counts = {view: trial.ask(f"SELECT count(*) FROM vigil.{view}")[0][0] for view in VIEWS}  # noqa: S608
    assert counts == dict.fromkeys(VIEWS, 0)
    assert trial.ask("SELECT count(*) FROM vigil.synthetic_pages") == [(3,)]
    with connect(postgres_url) as connection:
        shown = board(connection, NOON)
        assert (shown.patients, shown.pages, shown.open_episodes, shown.pages_waiting, shown.pages_accepted) == ([], [], 0, 0, 0)
        assert rapid_response.places(connection.cursor()) == []


def test_a_trial_is_followed_and_ended_and_no_real_episode_with_it(postgres_url: str) -> None:
    trial = Trial(postgres_url)
    trial.take(8)
    trial.raise_for(NUMBERS[1])
    with connect(postgres_url) as connection:
        cursor = connection.cursor()
        found = synthetic.standing(cursor, NUMBERS[1])
        assert found is not None
        assert (found.accepted, found.acknowledged) == (False, False)
        assert [synthetic.end(cursor, one, NOON) for one in (NUMBERS[1], NUMBERS[1], "HOSP:1")] == [1, 0, 0]
        assert synthetic.standing(cursor, NUMBERS[1]) is None
    assert trial.ask("SELECT state FROM vigil_store.page WHERE channel = 'hook'") == [("withdrawn",)]
    assert trial.ask("SELECT state FROM vigil.episodes") == [("open",)]
    trial.raise_for(NUMBERS[1])
    assert trial.ask("SELECT count(*) FROM vigil_store.page WHERE channel = 'hook'") == [(2,)]


def test_a_call_of_the_team_is_never_one_of_them(postgres_url: str) -> None:
    trial = Trial(postgres_url)
    trial.raise_for(NUMBERS[1])
    [(call_id,)] = trial.ask("SELECT episode_id FROM vigil_store.episode")
    with connect(postgres_url, autocommit=True) as connection:
        assert rapid_response.arrive(connection, call_id, "x", NOON) == "unknown"
