"""Published scores that a policy watches beside NEWS2, from the rolling state: after the messages that change them, and no others."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hypothesis
import psycopg
import pytest
from hypothesis import strategies as st
from msgspec import structs

from parsers.codes import CANONICAL
from scoring.score import Score
from scoring.sep1.timers import next_change, overdue
from scoring.watched import TIMED, WATCHED, Watching, watched
from streams.features import CODE
from streams.movements import Encounter
from streams.patient import Given, PatientState
from streams.processing import Moment
from streams.readings import Reading
from streams.record import Source
from streams.times import AHEAD

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


@pytest.mark.parametrize(
    ("hours", "state", "changes"),
    [
        (0, SEPTIC, 2),
        (1.999, SEPTIC, 2),
        (2, SEPTIC, 4),
        (3, SEPTIC, 4),
        (4.001, SEPTIC, None),
        (0.6, treated(SEPTIC, (-1, "antibiotic", "ordered"), (0.5, "antibiotic", "given")), 2),
        (0, treated(SEPTIC, (-1, "antibiotic", "not_given")), None),
        (0, patient(heart_rate=120, temperature=38.6, creatinine=2.4), None),
        (0, treated(patient(heart_rate=120), (-1, "antibiotic", "ordered")), None),
    ],
)
def test_the_next_change_of_a_bundle_is_when_an_element_begins_to_press_or_ceases_to(
    hours: float, state: PatientState, changes: float | None
) -> None:
    found = next_change(state, NOON + timedelta(hours=hours))
    assert (found and round((found - NOON) / timedelta(hours=1), 6)) == changes


def pressing(state: PatientState, at: datetime) -> set[str]:
    found = overdue(state, at)
    return set() if found is None else set(found[0].parts)


MINUTES = st.integers(-240, 240)


@hypothesis.given(
    readings=st.lists(
        st.tuples(st.sampled_from(["heart_rate", "temperature", "creatinine", "lactate", "sbp"]), MINUTES, st.floats(1, 200)), max_size=12
    ),
    therapies=st.lists(
        st.tuples(MINUTES, st.sampled_from(["antibiotic", "vasopressor"]), st.sampled_from(["ordered", "given"])), max_size=4
    ),
    after=st.integers(0, 600),
    part=st.floats(0, 1, exclude_max=True),
)
def test_until_the_next_change_nothing_presses_anew_and_at_it_something_does(
    readings: list[tuple[str, int, float]], therapies: list[tuple[int, str, str]], after: int, part: float
) -> None:
    values: dict[str, list[tuple[float, float]]] = {}
    for name, minute, value in sorted(readings, key=lambda one: one[1]):
        values.setdefault(name, []).append((minute / 60, value))
    state = treated(patient(**values), *((minute / 60, therapy, action) for minute, therapy, action in therapies))
    start = NOON + timedelta(minutes=after)
    state = replace(state, given=tuple(replace(one, received_at=min(start, one.at)) for one in state.given if one.at <= start + AHEAD))
    heard = {code: [one for one in held if one.observed_at <= start + AHEAD] for code, held in state.readings.items()}
    state = replace(
        state,
        readings={
            code: tuple(structs.replace(one, received_at=min(start, one.observed_at)) for one in held) for code, held in heard.items()
        },
    )
    change = next_change(state, start)
    end = change if change is not None else start + timedelta(days=3)
    assert pressing(state, start + (end - start) * part) == pressing(state, start)
    if change is not None:
        assert change > start
        assert pressing(state, change) != pressing(state, start)


@pytest.mark.parametrize("name", sorted(WATCHED - TIMED.keys()))
@pytest.mark.parametrize(
    "state", [SICK, KIDNEYS, patient(heart_rate=[(-11, 150), (0, 90)], sbp=[(-11, 80), (-1, 130)], respiratory_rate=28)]
)
def test_time_alone_raises_no_other_score(name: str, state: PatientState) -> None:
    before: float | None = None
    for hours in range(0, 49):
        score = watched(name, moment(state, "heart_rate", "creatinine", hours=hours), NOON)
        value = None if score is None else score.at_least
        assert value is None or before is None or value <= before
        before = value if value is not None else before


def test_a_patient_who_has_left_is_woken_for_nothing_and_a_policy_without_timed_scores_wakes_nobody() -> None:
    here = replace(SEPTIC, encounter=Encounter(encounter_id="V1", unit="4W", bed="1", status="open"))
    left = replace(SEPTIC, encounter=Encounter(encounter_id="V1", unit="4W", bed="1", status="discharged"))
    watching, other = Watching(Nobody(), lambda: ("news2", "sep1")), Watching(Nobody(), lambda: ("news2", "kdigo_aki"))
    assert (watching.timed, other.timed) == (True, False)
    assert watching.next_change(here, NOON) == NOON + timedelta(hours=2)
    assert (watching.next_change(left, NOON), other.next_change(here, NOON)) == (None, None)
