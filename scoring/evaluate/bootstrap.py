"""Intervals: patients are drawn with replacement once, and every figure is computed on those same draws, so that differences are paired."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from scoring.evaluate.rows import Floats, Ints

RESAMPLES: Final = 500
LEAST_DEFINED: Final = 0.9
"""An interval is told where so many of the draws have the figure at all; else the cohort is too small for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """times: (1 + B, P) how often each patient counts; the first row is the cohort as it is, so the first of every figure is the figure itself."""

    times: Floats

    @property
    def size(self) -> int:
        """1 + B."""
        return len(self.times)

    def sums(self, per_patient: Floats) -> Floats:
        """(1 + B,) or (1 + B, K): sums over the drawn patients of (P,) or (P, K)."""
        return np.asarray(self.times @ per_patient)


def draws(patients: int, seed: int, resamples: int = RESAMPLES, stands_for: Floats | None = None, person: Ints | None = None) -> Draws:
    """The same seed draws the same patients.

    `stands_for`: (P,) how many patients of the whole cohort each one of a sample speaks for. `person`: (P,) 0..Q-1 whose stay each one is, where
    several are one person's: persons are drawn then, with all their stays.

    >>> draws(3, 1, 2).times.sum(axis=1).tolist()
    [3.0, 3.0, 3.0]
    """
    random = np.random.default_rng(seed)
    persons = patients if person is None else int(person.max(initial=-1)) + 1
    drawn = random.multinomial(persons, np.full(persons, 1.0 / persons), size=resamples) if persons else np.empty((resamples, 0))
    times = np.concatenate([np.ones((1, persons)), drawn])
    times = times if person is None else times[:, person]
    return Draws(times=times if stands_for is None else times * stands_for)


def ratio(over: Floats, under: Floats) -> Floats:
    """Element by element, nan where the divisor is 0."""
    return np.asarray(np.divide(over, under, out=np.full(np.broadcast(over, under).shape, np.nan), where=under != 0))


def told(values: Floats, digits: int = 4) -> dict[str, Any]:
    """A figure over all draws as `value`, `low`, `high`: the first, and the 95 % between the 2.5th and 97.5th percentile of the others."""
    value, others = float(values[0]), values[1:][np.isfinite(values[1:])]
    low = high = None
    if len(others) and len(others) >= LEAST_DEFINED * (len(values) - 1) and np.isfinite(value):
        low, high = (round(float(one), digits) for one in np.percentile(others, [2.5, 97.5]))
    return {"value": round(value, digits) if np.isfinite(value) else None, "low": low, "high": high}


def difference(one: Floats, other: Floats, digits: int = 4) -> dict[str, Any]:
    """Paired: what `one` has more than `other`, and whether the interval leaves out 0."""
    found = told(one - other, digits)
    sure = None if found["low"] is None else bool(found["low"] > 0 or found["high"] < 0)
    return found | {"excludes_zero": sure}
