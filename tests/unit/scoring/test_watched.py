"""Published scores that a policy watches beside NEWS2, from the rolling state: after the messages that change them, and no others."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from parsers.codes import CANONICAL
from scoring.score import Score
from scoring.sep1.timers import overdue
from scoring.watched import WATCHED, Watching, watched
from streams.features import CODE
from streams.patient import Given, PatientState
from streams.processing import Moment
from streams.readings import Reading
from streams.record import Source

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def patient(*, at: float = 0, **values: float | Sequence[tuple[float, float]]) -> PatientState:
    """Readings by canonical name: a value taken at noon, or (hours after noon, value) pairs."""
    readings = {}
    for name, given in values.items():
        pairs = [(at, given)] if isinstance(given, float | int) else given
        readings[CODE[name]] = tuple(
            Reading(observed_at=NOON + timedelta(hours=hours), received_at=NOON + timedelta(hours=hours), value_num=float(value))
            for hours, value in pairs
        )
    return PatientState(patient_id="HOSP:1", sex="F", readings=readings)


def moment(state: PatientState, *changed: str, hours: float = 0) -> Moment:
    return Moment(
        source=Source(topic="hl7.oru", partition=0, offset=7), patient=state, received_at=NOON + timedelta(hours=hours), changed=frozenset(CODE[name] for name in changed)
    )  # fmt: skip


SICK = patient(heart_rate=120, respiratory_rate=26, sbp=95, dbp=50, temperature=38.6, spo2=93, wbc=14, map=65)
KIDNEYS = patient(creatinine=[(-30, 1.0), (0, 2.1)])


@pytest.mark.parametrize(
    ("name", "state", "changed", "value"),
    [
        ("sirs", SICK, "heart_rate", 4.0),
        ("shock_index", SICK, "sbp", 1.26),
        ("kdigo_aki", KIDNEYS, "creatinine", 2.0),
        ("nhs_aki", KIDNEYS, "creatinine", 2.0),
        ("kdigo_aki", KIDNEYS, "heart_rate", None),
        ("sirs", SICK, "creatinine", None),
        ("kdigo_aki", SICK, "creatinine", None),
        ("sirs", patient(creatinine=1), "heart_rate", None),
    ],
)
def test_a_watched_score_speaks_after_what_changes_it(name: str, state: PatientState, changed: str, value: float | None) -> None:
    score = watched(name, moment(state, changed), NOON)
    assert (score and score.value) == (None if value is None else pytest.approx(value))
    if score is not None:
        assert (score.score_id, score.name, score.as_of, score.at) == (f"hl7.oru/0/7/{name}", name, NOON, NOON)


@pytest.mark.parametrize("name", sorted(WATCHED))
def test_every_watched_score_is_a_value_or_nothing_for_whatever_is_known(name: str) -> None:
    every = patient(**{known.name: (known.low + known.high) / 2 for known in CANONICAL.values() if known.high})
    for state in (PatientState(patient_id="HOSP:1"), every, SICK, KIDNEYS):
        score = watched(name, moment(state, "heart_rate", "creatinine"), NOON)
        assert score is None or score.at_least is not None


class Nobody:
    def recall(self, cursor: psycopg.Cursor, moments: Sequence[Moment]) -> None:
        raise AssertionError

    def score(self, moments: Sequence[Moment], now: datetime) -> list[Score]:
        return []

    def write(self, cursor: psycopg.Cursor, scores: Sequence[Score]) -> None:
        raise AssertionError


def test_only_what_a_policy_names_is_computed_and_a_changed_policy_is_followed() -> None:
    names: list[str] = []
    watching = Watching(Nobody(), lambda: names)
    moments = [moment(SICK, "heart_rate"), moment(KIDNEYS, "creatinine")]
    assert watching.score(moments, NOON) == []
    names += ["news2", "deterioration", "kdigo_aki", "qsofa"]
    assert [score.name for score in watching.score(moments, NOON)] == ["qsofa", "kdigo_aki"]


def treated(state: PatientState, *given: tuple[float, str, str]) -> PatientState:
    times = [(NOON + timedelta(hours=hours), therapy, action) for hours, therapy, action in given]
    return replace(
        state, given=tuple(sorted(Given(at=at, received_at=at, therapy=therapy, action=action, code="") for at, therapy, action in times))
    )  # type: ignore[arg-type]


SEPTIC = treated(patient(heart_rate=120, temperature=38.6, creatinine=2.4), (-1, "antibiotic", "ordered"))
"""Severe sepsis from noon on: infection suspected, SIRS, an organ."""


@pytest.mark.parametrize(
    ("hours", "state", "pressing"),
    [
        (0, SEPTIC, set()),
        (1.9, SEPTIC, set()),
        (2.1, SEPTIC, {"initial_lactate", "antibiotic"}),
        (3.9, SEPTIC, {"initial_lactate", "antibiotic"}),
        (4.1, SEPTIC, set()),
        (2.5, treated(SEPTIC, (-1, "antibiotic", "ordered"), (0.5, "antibiotic", "given")), {"initial_lactate"}),
        (2.5, treated(SEPTIC, (-1, "antibiotic", "not_given")), None),
        (2.5, patient(heart_rate=120, temperature=38.6, creatinine=2.4), None),
    ],
)
def test_a_sep1_timer_presses_from_an_hour_before_it_runs_out_to_an_hour_after(
    hours: float, state: PatientState, pressing: set[str] | None
) -> None:
    found = overdue(state, NOON + timedelta(hours=hours))
    assert (None if found is None else set(found[0].parts)) == pressing
    score = watched("sep1", moment(state, "heart_rate", hours=hours), NOON)
    assert (None if score is None else score.value) == (None if pressing is None else float(len(pressing)))
