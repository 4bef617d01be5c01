"""Which numbers can be true of a living patient: what lies outside is a slipped unit or a loose probe, and no score counts it."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final, get_args, get_type_hints

from msgspec import Meta

from parsers.codes import CANONICAL
from scoring.published.inputs import Inputs
from streams.readings import Reading

AS_INPUT: Final[Mapping[str, str]] = {
    "heart_rate": "hr_per_min", "respiratory_rate": "rr_per_min", "spo2": "spo2_pct", "sbp": "sbp_mmhg", "dbp": "dbp_mmhg", "map": "map_mmhg",
    "temperature": "temp_c", "oxygen_flow": "oxygen_l_min", "gcs": "gcs", "wbc": "wbc_10e9_l", "bands": "bands_pct", "paco2": "paco2_mmhg", "pao2": "pao2_mmhg",
    "platelets": "platelets_10e9_l", "bilirubin_total": "bilirubin_mg_dl", "creatinine": "creatinine_mg_dl", "sodium": "sodium_mmol_l", "inr": "inr",
    "albumin": "albumin_g_dl",
}  # fmt: skip
"""Canonical quantities that are also an input of a published score, in the same unit."""


def _of_input(field: str) -> Iterator[tuple[float, float]]:
    hints: Any = get_type_hints(Inputs, include_extras=True)[field]
    for part in (hints, *get_args(hints)):
        for one in getattr(part, "__metadata__", ()):
            if isinstance(one, Meta):
                yield float(one.ge or 0.0), float(one.le or 0.0)


def _limits(name: str, low: float, high: float) -> tuple[float, float]:
    """The narrower of the reader's and the scores' limits."""
    both = [(low, high), *(_of_input(AS_INPUT[name]) if name in AS_INPUT else ())]
    return max(one for one, _ in both), min(one for _, one in both)


LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    known.name: _limits(known.name, known.low, known.high) for known in CANONICAL.values() if known.high > known.low
}
"""By canonical name, in the canonical unit; the sources stand in `parsers.codes` and `scoring.published.inputs`."""


def possible(name: str, value: float) -> bool:
    """Whether a number can be true of a living patient.

    >>> [possible("temperature", value) for value in (36.8, 98.6, float("nan"))], possible("creatinine", 88.0), possible("spo2", 0.97)
    ([True, False, False], False, False)
    """
    low, high = LIMITS.get(name, (-float("inf"), float("inf")))
    return isfinite(value) and low - 1e-9 <= value <= high + 1e-9


def believable(name: str, reading: Reading) -> bool:
    """Whether a reading may be scored; a coded text has no limits."""
    return reading.value_num is None or possible(name, reading.value_num)
