"""How values become numbers of like size: logarithm where skewed, robust centre and spread, from training patients only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from scoring.models.sequence.step import CODES, HIGH, LOW

Floats = npt.NDArray[np.float32]

CLIP: Final = 6.0
"""Robust standard deviations at which a value stops moving the network: beyond lies what training hardly saw."""

NORMAL_IQR: Final = 1.349
"""Interquartile range of a normal distribution in standard deviations, so that spread compares with one."""

SKEWED: Final = 1.0
"""Skewness from which the logarithm is taken. Bulmer, Principles of Statistics, 1979, calls a distribution beyond 1 highly skewed."""

FEWEST: Final = 50
"""Values below which a quantity is not described: it gets the middle and a sixth of its plausible range."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaling:
    """Each (C,) float32 in the order of CODES; `logged` is 1 where log(1 + value) is scaled instead of the value."""

    logged: Floats
    centre: Floats
    spread: Floats


def fit(values: Sequence[Floats]) -> Scaling:
    """From the training patients' values (T, C) each, NaN where not measured, in raw units."""
    logged, centre, spread = (np.zeros(len(CODES), np.float32) for _ in range(3))
    table = np.concatenate(values)
    for place in range(len(CODES)):
        column = table[:, place]
        seen = column[(column >= LOW[place]) & (column <= HIGH[place])].astype(np.float64)
        logged[place], centre[place], spread[place] = _one(seen, float(LOW[place]), float(HIGH[place]))
    return Scaling(logged=logged, centre=centre, spread=spread)


def _one(seen: npt.NDArray[np.float64], low: float, high: float) -> tuple[float, float, float]:
    if len(seen) < FEWEST:
        return 0.0, (low + high) / 2, (high - low) / 6
    deviation = seen - seen.mean()
    skew = float((deviation**3).mean() / max(float((deviation**2).mean()), 1e-12) ** 1.5)
    logged = float(low >= 0 and skew > SKEWED)
    shown = np.log1p(seen) if logged else seen
    quarter, centre, three = np.percentile(shown, [25, 50, 75])
    spread = (three - quarter) / NORMAL_IQR
    return logged, float(centre), float(spread if spread > 1e-3 else max(shown.std(), 1e-3))
