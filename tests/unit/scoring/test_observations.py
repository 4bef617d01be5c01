"""From rolling state to NEWS2's inputs: the newest of each, none older than twelve hours, oxygen and consciousness never guessed."""

from datetime import UTC, datetime, timedelta

import pytest

from parsers.events import Canonical, Observation
from scoring.observations import finding, observations, refused
from streams.features import CODE
from streams.patient import PatientState, advance
from tests import states

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Fact = tuple[str, float | str, int]


def state(*facts: Fact) -> PatientState:
    found = PatientState(patient_id="HOSP:1")
    for name, value, minutes in facts:
        at = NOON + timedelta(minutes=minutes)
        number, text = (None, value) if isinstance(value, str) else (value, None)
        canonical = Canonical(code=CODE[name], value_num=number, unit="", value_text=text)
        one = Observation(
            code=CODE[name], code_system="LN", value_num=number, value_text=text, comparator=None, unit=None, observed_at=at, status="final",
            set_id=None, sub_id=None, canonical=canonical,
        )  # fmt: skip
        found = advance(found, one, received_at=at)
    return found


@pytest.mark.parametrize(
    ("facts", "on_oxygen"),
    [
        ((), None),
        ((("spo2", 97.0, 0),), None),
        ((("oxygen_flow", 0.0, 0),), False),
        ((("oxygen_flow", 2.0, 0),), True),
        ((("fio2", 21.0, 0),), False),
        ((("fio2", 28.0, 0),), True),
        ((("oxygen_flow", 2.0, -60), ("fio2", 21.0, 0)), False),
        ((("oxygen_flow", 0.0, 0), ("fio2", 40.0, 0)), True),
        ((("oxygen_flow", 2.0, -13 * 60),), None),
    ],
)
def test_oxygen_is_what_was_charted_last_and_not_known_otherwise(facts: tuple[Fact, ...], on_oxygen: bool | None) -> None:
    assert observations(state(*facts), NOON)[0].on_oxygen is on_oxygen


@pytest.mark.parametrize(
    ("facts", "consciousness"),
    [
        ((), None),
        ((("avpu", "C", 0),), "C"),
        ((("gcs", 15.0, 0),), "A"),
        ((("gcs", 14.0, 0),), "V"),
        ((("avpu", "A", 0), ("gcs", 14.0, -60)), "A"),
        ((("avpu", "A", -60), ("gcs", 14.0, 0)), "V"),
    ],
)
def test_consciousness_is_the_newest_answer(facts: tuple[Fact, ...], consciousness: str | None) -> None:
    assert observations(state(*facts), NOON)[0].consciousness == consciousness


def test_an_observation_speaks_for_twelve_hours_and_no_longer() -> None:
    patient = state(("heart_rate", 88.0, -12 * 60))
    assert observations(patient, NOON)[0].hr_per_min is None
    assert observations(patient, NOON - timedelta(seconds=1))[0].hr_per_min == 88.0


def test_the_score_is_as_of_its_newest_input() -> None:
    assert observations(state(("heart_rate", 88.0, -90), ("sbp", 120.0, -30), ("lactate", 2.0, 0)), NOON)[1] == NOON - timedelta(minutes=30)
    assert observations(state(("lactate", 2.0, 0)), NOON)[1] is None


def test_a_finding_tells_where_the_value_came_from_within_twelve_hours() -> None:
    found = finding(state(("heart_rate", 70.0, -13 * 60), ("heart_rate", 80.0, -600), ("heart_rate", 130.0, -5)), "heart_rate", NOON, 2)
    assert found is not None
    assert (found.value, found.was, found.points, found.unit) == (130.0, 80.0, 2, "/min")


@pytest.mark.parametrize(
    ("name", "value", "as_input"),
    [
        ("temperature", 98.6, "temp_c"), ("spo2", 0.97, "spo2_pct"), ("heart_rate", float("nan"), "hr_per_min"), ("sbp", float("inf"), "sbp_mmhg"),
        ("respiratory_rate", -4.0, "rr_per_min"), ("heart_rate", 1200.0, "hr_per_min"), ("sbp", 3.0, "sbp_mmhg"), ("temperature", 3.68, "temp_c"),
    ],
)  # fmt: skip
def test_what_cannot_be_true_is_not_scored_and_is_told(name: str, value: float, as_input: str) -> None:
    impossible = states.state((name, value, -5))
    inputs, _ = observations(impossible, NOON)
    assert getattr(inputs, as_input) is None
    assert refused(impossible, NOON) == (as_input,)
    assert finding(impossible, name, NOON) is None


def test_the_value_before_an_impossible_one_speaks_as_long_as_it_is_valid() -> None:
    found = states.state(("temperature", 38.1, -60), ("temperature", 101.2, -5))
    assert observations(found, NOON)[0].temp_c == 38.1
    assert refused(found, NOON) == ("temp_c",)
    assert observations(found, NOON + timedelta(hours=11, minutes=30))[0].temp_c is None


def test_possible_extremes_are_scored() -> None:
    found = states.state(("temperature", 26.0, -5), ("heart_rate", 0.0, -5), ("spo2", 41.0, -5))
    inputs, _ = observations(found, NOON)
    assert (inputs.temp_c, inputs.hr_per_min, inputs.spo2_pct) == (26.0, 0.0, 41.0)
    assert refused(found, NOON) == ()
