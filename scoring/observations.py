"""From a patient's rolling state to one set of NEWS2 observations, and to the findings that explain a score."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from parsers.codes import CANONICAL
from scoring.plausible import believable
from scoring.published.inputs import Consciousness, Inputs
from scoring.score import Finding
from streams.features import CODE
from streams.patient import PatientState
from streams.readings import Reading
from streams.windows import latest

VALID: Final = timedelta(hours=12)
"""How long an observation speaks for the patient: the longest interval that NEWS2 allows between two (RCP 2017, chart 4)."""

AIR_PCT: Final = 21.5
"""Inspired oxygen of room air is 20.9 %, charted as 21; above it oxygen is being given."""

TREND: Final = timedelta(hours=12)
_observed_at = attrgetter("observed_at")

NAMES: Final = {
    "rr_per_min": "respiratory_rate", "spo2_pct": "spo2", "sbp_mmhg": "sbp", "hr_per_min": "heart_rate", "temp_c": "temperature",
    "consciousness": "avpu", "on_oxygen": "oxygen_flow",
}  # fmt: skip

_INPUTS: Final = NAMES | {"fio2": "fio2", "gcs": "gcs"}
CODES: Final = frozenset(CODE[name] for name in _INPUTS.values())
"""A message that changes none of these leaves NEWS2 as it was."""


def observations(state: PatientState, at: datetime) -> tuple[Inputs, datetime | None]:
    """The inputs, each the newest within VALID that can be true, and when the newest of them was observed (None where there is none).

    Oxygen: given where a flow above 0 or an inspired fraction above air is charted; nothing charted is not known, not air.
    Consciousness: ACVPU where charted; else GCS 15 is taken as alert and less as not alert, which is a site's rule and no published map.
    """
    found = {name: _newest(state, known, at) for name, known in NAMES.items()}
    fio2, gcs = _newest(state, "fio2", at), _newest(state, "gcs", at)
    used = [reading for reading in (*found.values(), fio2, gcs) if reading is not None]
    inputs = Inputs(
        rr_per_min=_number(found["rr_per_min"]),
        spo2_pct=_number(found["spo2_pct"]),
        on_oxygen=_on_oxygen(found["on_oxygen"], fio2),
        sbp_mmhg=_number(found["sbp_mmhg"]),
        hr_per_min=_number(found["hr_per_min"]),
        temp_c=_number(found["temp_c"]),
        consciousness=_consciousness(found["consciousness"], gcs),
        age_years=None if state.birth_date is None else (at.date() - state.birth_date).days / 365.25,
    )
    return inputs, max((reading.observed_at for reading in used), default=None)


def refused(state: PatientState, at: datetime) -> tuple[str, ...]:
    """Inputs whose newest value cannot be true of a living patient: it is not counted, and it is told."""
    return tuple(
        name
        for name, known in _INPUTS.items()
        if (reading := latest(state.readings.get(CODE[known], ()), at, VALID)) is not None and not believable(known, reading)
    )


def _newest(state: PatientState, name: str, at: datetime, max_age: timedelta = VALID) -> Reading | None:
    """The newest that can be true; the one before it speaks where it cannot, as it does where the reader refuses a value."""
    readings = state.readings.get(CODE[name], ())
    newest = latest(readings, at, max_age)
    if newest is None or believable(name, newest):
        return newest
    return latest([one for one in readings if believable(name, one)], at, max_age)


def _first(name: str, readings: Sequence[Reading], at: datetime, before: datetime) -> Reading | None:
    """The oldest number of the last 12 hours that can be true, where it is older than `before`."""
    for place in range(bisect_right(readings, at - TREND, key=_observed_at), len(readings)):
        one = readings[place]
        if one.observed_at >= before:
            return None
        if one.received_at <= at and one.value_num is not None and believable(name, one):
            return one
    return None


def _number(reading: Reading | None) -> float | None:
    return None if reading is None else reading.value_num


def _on_oxygen(flow: Reading | None, fio2: Reading | None) -> bool | None:
    newest = max((one for one in (flow, fio2) if one is not None), key=lambda one: one.observed_at, default=None)
    if newest is None or newest.value_num is None:
        return None
    if newest is flow and fio2 is not None and fio2.observed_at == newest.observed_at:
        return newest.value_num > 0 or (fio2.value_num or 0.0) > AIR_PCT
    return newest.value_num > (0 if newest is flow else AIR_PCT)


def _consciousness(avpu: Reading | None, gcs: Reading | None) -> Consciousness | None:
    if avpu is not None and (gcs is None or avpu.observed_at >= gcs.observed_at):
        match avpu.value_text:
            case "A" | "C" | "V" | "P" | "U" as answer:
                return answer
    if gcs is not None and gcs.value_num is not None:
        return "A" if gcs.value_num >= 15 else "V"
    return None


def finding(
    state: PatientState, name: str, at: datetime, points: int | None = None, *, moved: float | None = None, max_age: timedelta = VALID
) -> Finding | None:
    """The newest value of one quantity with what it was at the start of the last 12 hours."""
    code = CODE[name]
    newest = _newest(state, name, at, max_age)
    if newest is None:
        return None
    first = _first(name, state.readings[code], at, newest.observed_at)
    value = newest.value_num if newest.value_num is not None else newest.value_text or ""
    return Finding(
        name=name, value=value, unit=CANONICAL[code].unit, observed_at=newest.observed_at, was=first.value_num if first else None,
        was_at=first.observed_at if first else None, points=points, moved=moved,
    )  # fmt: skip
