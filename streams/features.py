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
from streams.readings import WINDOW
from streams.series import NOTHING_SERIES, Series, series
from streams.windows import latest

CODE: Final[Mapping[str, str]] = {known.name: code for code, known in CANONICAL.items()}

VITALS: Final = ("heart_rate", "respiratory_rate", "spo2", "sbp", "dbp", "map", "temperature")
LABS: Final = (
    "etco2", "base_excess", "bicarbonate", "fio2", "ph", "paco2", "pao2", "ast", "bun", "alkaline_phosphatase", "calcium", "chloride", "creatinine",
    "bilirubin_direct", "bilirubin_total", "glucose", "lactate", "magnesium", "phosphate", "potassium", "sodium", "troponin_i", "hematocrit",
    "hemoglobin", "ptt", "wbc", "fibrinogen", "platelets", "inr", "albumin",
)  # fmt: skip

SHORT_H: Final = 6.0
LONG_H: Final = 24.0
LONG: Final = timedelta(hours=LONG_H)

_SHORT_PARTS: Final = ("last", "age_h", "low", "high", "mean", "sd", "slope", "count")  # a `Spell`, field by field
_LONG_PARTS: Final = _SHORT_PARTS[2:]
_WHOLE_PARTS: Final = ("low", "high")
_LAB_PARTS: Final = ("last", "change", "age_h", "low", "high")
_DERIVED: Final = (
    "shock_index", "pulse_pressure", "bun_to_creatinine", "pao2_to_fio2", "spo2_to_fio2", "lab_6h_count", "lab_24h_count", "sirs_points",
    "sofa_points", "age_years", "is_male", "hours_in_hospital", "hours_in_unit", "hours_before_unit", "surgical_icu", "on_oxygen", "not_alert",
)  # fmt: skip

FEATURES: Final[tuple[str, ...]] = (
    *(f"{name}_6h_{part}" for name in VITALS for part in _SHORT_PARTS),
    *(f"{name}_24h_{part}" for name in VITALS for part in _LONG_PARTS),
    *(f"{name}_48h_{part}" for name in VITALS for part in _WHOLE_PARTS),
    *(f"{name}_{part}" for name in LABS for part in _LAB_PARTS),
    *_DERIVED,
)
"""The order of the vector; a change of this list is another model. Windows of vital signs are named, those of labs are of 48 hours."""

VERSION: Final = blake2b("\n".join(FEATURES).encode(), digest_size=4).hexdigest()
"""Names the list: a model that was trained on another one refuses to speak."""

_UNKNOWN: Final = (nan,) * len(_LAB_PARTS)

SICU: Final[Mapping[str, float]] = {"SICU": 1.0, "MICU": 0.0}
"""Whether a unit is a surgical intensive care unit, by the names in use; of any other unit nothing is known."""


def features(state: PatientState, at: datetime) -> npt.NDArray[np.float32]:
    """x: (F,) float32 in the order of FEATURES; NaN where not known; only readings received by `at` are used."""
    short: list[float] = []
    long: list[float] = []
    whole: list[float] = []
    last: dict[str, float] = {}
    for name in VITALS:
        found = _of(state, name, at)
        six = found.since(SHORT_H)
        day = six if six.number == len(found.numbers) else found.since(LONG_H)
        short.extend(six)
        long.extend(day[2:])
        whole.extend((found.low, found.high))
        last[name] = six.last
    labs: list[float] = []
    drawn_6h = drawn_24h = 0
    for name in LABS:
        found = _of(state, name, at)
        if not found.numbers:
            labs.extend(_UNKNOWN)
            last[name] = nan
            continue
        labs.extend((found.last, found.last - found.before, found.age_h, found.low, found.high))
        drawn_6h, drawn_24h = drawn_6h + found.count(SHORT_H), drawn_24h + found.count(LONG_H)
        last[name] = found.last
    counts = (float(drawn_6h), float(drawn_24h))
    return np.array([*short, *long, *whole, *labs, *_ratios(last), *counts, *_points(last), *_stay(state, at, last)], dtype=np.float32)


def _of(state: PatientState, name: str, at: datetime) -> Series:
    readings = state.readings.get(CODE[name])
    return series(readings, at, WINDOW) if readings else NOTHING_SERIES


def _ratios(last: Mapping[str, float]) -> tuple[float, ...]:
    sbp, creatinine, fio2_frac = last["sbp"], last["creatinine"], last["fio2"] / 100.0
    return (
        last["heart_rate"] / sbp if sbp > 0 else nan,
        sbp - last["dbp"],
        last["bun"] / creatinine if creatinine > 0 else nan,
        last["pao2"] / fio2_frac if fio2_frac > 0 else nan,
        last["spo2"] / fio2_frac if fio2_frac > 0 else nan,
    )


def _points(last: Mapping[str, float]) -> tuple[float, float]:
    """SIRS criteria (Bone, Chest 1992;101:1644) and SOFA's laboratory and pressure points (Vincent, Intensive Care Med 1996;22:707) that the
    last values reach. Here they are inputs of a model, which knows what is missing: what is not known adds nothing. The scores themselves are in `scoring`.
    """
    temperature, wbc, platelets = last["temperature"], last["wbc"], last["platelets"]
    sirs = (temperature > 38.0 or temperature < 36.0) + (last["heart_rate"] > 90.0)
    sirs += (last["respiratory_rate"] > 20.0 or last["paco2"] < 32.0) + (wbc > 12.0 or wbc < 4.0)
    sofa = sum(platelets < edge for edge in (150.0, 100.0, 50.0, 20.0)) + (last["map"] < 70.0)
    sofa += sum(last["bilirubin_total"] >= edge for edge in (1.2, 2.0, 6.0, 12.0))
    sofa += sum(last["creatinine"] >= edge for edge in (1.2, 2.0, 3.5, 5.0))
    return float(sirs), float(sofa)


def _stay(state: PatientState, at: datetime, last: Mapping[str, float]) -> tuple[float, ...]:
    born, encounter = state.birth_date, state.encounter
    admitted_at = encounter.admitted_at if encounter is not None else None
    unit_since = encounter.unit_since if encounter is not None else None
    flow = latest(state.readings.get(CODE["oxygen_flow"], ()), at, LONG)
    avpu = latest(state.readings.get(CODE["avpu"], ()), at, LONG)
    fio2 = last["fio2"]
    on_oxygen = nan if flow is None and isnan(fio2) else float((flow is not None and (flow.value_num or 0.0) > 0.0) or fio2 > 21.5)
    return (
        nan if born is None else (at.date() - born).days / 365.25,
        nan if state.sex is None else float(state.sex == "M"),
        _hours(admitted_at, at),
        _hours(unit_since, at),
        _hours(admitted_at, unit_since),
        SICU.get((encounter.unit or "").upper(), nan) if encounter is not None else nan,
        on_oxygen,
        nan if avpu is None else float(avpu.value_text != "A"),
    )


def _hours(since: datetime | None, until: datetime | None) -> float:
    return nan if since is None or until is None else (until - since).total_seconds() / 3600.0
