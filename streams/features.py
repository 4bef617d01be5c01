"""What a model sees of a patient at one instant: a fixed vector, NaN where nothing is known, from what was received by then."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from math import isnan, nan
from typing import Final

import numpy as np
import numpy.typing as npt

from parsers.codes import CANONICAL
from streams.patient import PatientState
from streams.readings import Reading
from streams.windows import Summary, latest, summarise

CODE: Final[Mapping[str, str]] = {known.name: code for code, known in CANONICAL.items()}

VITALS: Final = ("heart_rate", "respiratory_rate", "spo2", "sbp", "dbp", "map", "temperature")
LABS: Final = (
    "etco2", "base_excess", "bicarbonate", "fio2", "ph", "paco2", "pao2", "ast", "bun", "alkaline_phosphatase", "calcium", "chloride", "creatinine",
    "bilirubin_direct", "bilirubin_total", "glucose", "lactate", "magnesium", "phosphate", "potassium", "sodium", "troponin_i", "hematocrit",
    "hemoglobin", "ptt", "wbc", "fibrinogen", "platelets", "inr", "albumin",
)  # fmt: skip

SHORT: Final = timedelta(hours=6)
LONG: Final = timedelta(hours=24)
LAB_AGE: Final = timedelta(hours=48)

_SHORT_PARTS: Final = ("last", "low", "high", "mean", "slope", "count", "age_h")
_LONG_PARTS: Final = ("low", "high", "mean", "count")
_LAB_PARTS: Final = ("last", "change", "age_h")
_DERIVED: Final = (
    "shock_index",
    "pulse_pressure",
    "bun_to_creatinine",
    "age_years",
    "is_male",
    "hours_in_hospital",
    "on_oxygen",
    "not_alert",
)

FEATURES: Final[tuple[str, ...]] = (
    *(f"{name}_6h_{part}" for name in VITALS for part in _SHORT_PARTS),
    *(f"{name}_24h_{part}" for name in VITALS for part in _LONG_PARTS),
    *(f"{name}_{part}" for name in LABS for part in _LAB_PARTS),
    *_DERIVED,
)
"""The order of the vector; a change of this list is another model."""

VERSION: Final = blake2b("\n".join(FEATURES).encode(), digest_size=4).hexdigest()
"""Names the list: a model that was trained on another one refuses to speak."""

NOTHING_SHORT: Final = (nan, nan, nan, nan, nan, 0.0, nan)
NOTHING_LONG: Final = (nan, nan, nan, 0.0)
NOTHING_LAB: Final = (nan, nan, nan)


def features(state: PatientState, at: datetime) -> npt.NDArray[np.float32]:
    """x: (F,) float32 in the order of FEATURES; NaN where not known; only readings received by `at` are used."""
    short: list[float] = []
    long: list[float] = []
    last: dict[str, float] = {}
    for name in VITALS:
        readings = state.readings.get(CODE[name])
        six = summarise(readings, at, SHORT) if readings else None
        day = summarise(readings, at, LONG, slope=False) if readings else None
        short.extend(_short(six))
        long.extend((day.low, day.high, day.mean, float(day.number)) if day else NOTHING_LONG)
        last[name] = six.last if six else nan
    labs: list[float] = []
    for name in LABS:
        readings = state.readings.get(CODE[name])
        parts = _lab(readings, at) if readings else NOTHING_LAB
        labs.extend(parts)
        last[name] = parts[0]
    return np.array([*short, *long, *labs, *_derived(state, at, last)], dtype=np.float32)


def _short(six: Summary | None) -> tuple[float, ...]:
    if six is None:
        return NOTHING_SHORT
    slope = nan if six.slope_per_h is None else six.slope_per_h
    return six.last, six.low, six.high, six.mean, slope, float(six.number), six.age_h


def _lab(readings: tuple[Reading, ...], at: datetime) -> tuple[float, float, float]:
    """The last value, its change from the one before it, and its age; labs are too few for windows."""
    newest = previous = None
    for reading in reversed(readings):
        if reading.received_at > at or reading.value_num is None:
            continue
        if reading.observed_at <= at - LAB_AGE:
            break
        if newest is None:
            newest = reading
        else:
            previous = reading
            break
    if newest is None or newest.value_num is None:
        return NOTHING_LAB
    change = newest.value_num - previous.value_num if previous is not None and previous.value_num is not None else nan
    return newest.value_num, change, max(0.0, (at - newest.observed_at).total_seconds() / 3600.0)


def _derived(state: PatientState, at: datetime, last: Mapping[str, float]) -> tuple[float, ...]:
    sbp, bun_base = last["sbp"], last["creatinine"]
    born = state.birth_date
    encounter = state.encounter
    admitted_at = encounter.admitted_at if encounter is not None else None
    flow = latest(state.readings.get(CODE["oxygen_flow"], ()), at, LONG)
    avpu = latest(state.readings.get(CODE["avpu"], ()), at, LONG)
    fio2 = last["fio2"]
    on_oxygen = nan if flow is None and isnan(fio2) else float((flow is not None and (flow.value_num or 0.0) > 0.0) or fio2 > 21.5)
    return (
        last["heart_rate"] / sbp if sbp > 0 else nan,
        sbp - last["dbp"],
        last["bun"] / bun_base if bun_base > 0 else nan,
        nan if born is None else (at.date() - born).days / 365.25,
        nan if state.sex is None else float(state.sex == "M"),
        nan if admitted_at is None else (at - admitted_at).total_seconds() / 3600.0,
        on_oxygen,
        nan if avpu is None else float(avpu.value_text != "A"),
    )
