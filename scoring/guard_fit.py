"""Calibrates the guard on patients the model was not trained on: conformal, so that as few of their rows are abstained on as is asked for."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from scoring.guards import CLIP, GuardConstants, distances, shape
from scoring.quantities import of_the_patient, quantity_of
from streams.features import FEATURES

Floats = npt.NDArray[np.float64]

ALPHA: Final = 0.002
"""Share of rows like the validation patients' that are abstained on: about one hour in five hundred, in which NEWS2 speaks alone."""
COMPONENTS: Final = 24
"""Directions kept: on CinC 2019 they hold 86 % of the spread, at 5 µs a row."""
EXPLAINED: Final = 0.9
"""Of the spread, at most: what is left must be more than rounding, for it is what the shape is judged by."""
TAIL: Final = 0.001
NORMAL: Final = 3.0902
"""A normal variable passes this with probability TAIL: distances are then in standard deviations wherever a feature is normal."""
RARELY: Final = 1e-4
NEVER: Final = 1e30
"""One unit of a feature that validation patients never had: any value of it is near."""
FEWEST_KNOWN: Final = 3
"""Below three quantities there is no picture of a patient, whatever the training data holds."""
OLDEST_H: Final = 6.0
"""The shortest window of the features: what is older is in none of them."""
QUANTILES: Final = (0.001, 0.05, 0.5, 0.95, 0.999)
MOST_ROWS: Final = 200_000


def fit_guard(matrix: npt.NDArray[np.float32], names: Sequence[str] = FEATURES, alpha: float = ALPHA) -> GuardConstants:
    """The constants for these rows (N, F), F in the order of `names`; the same rows give the same constants. Raises ValueError below 100 rows."""
    if len(matrix) < 100 or matrix.shape[1] != len(names):
        raise ValueError(f"{matrix.shape} is too little to calibrate on, or not of {len(names)} features")
    rows = matrix[:: max(1, len(matrix) // MOST_ROWS)].astype(np.float64)
    rows[np.isinf(rows)] = np.nan
    unlimited = _scales(rows, names)
    distance = distances(unlimited, rows)
    extreme = np.maximum(np.quantile(np.abs(distance), 1 - RARELY, axis=0), NORMAL)
    components = _components(distance)
    far = (np.abs(distance) / extreme).max(axis=1)
    odd = shape(distance, components, rows)
    return msgspec.structs.replace(
        unlimited,
        extreme=_rounded(extreme),
        components=tuple(_rounded(one) for one in components),
        extreme_limit=_conformal(far, alpha / 2),
        shape_limit=_conformal(odd, alpha / 2),
        alpha=alpha,
        fewest_known=max(FEWEST_KNOWN, int(np.quantile(_known(rows, names), alpha))),
        oldest_h=max(OLDEST_H, float(np.quantile(_freshest(rows, names), 1 - alpha))),
        quantiles=_quantiles(rows, names),
    )


def _scales(rows: Floats, names: Sequence[str]) -> GuardConstants:
    """Medians and one unit to either side; the limits follow."""
    low, middle, high = _quantile(rows, TAIL), _quantile(rows, 0.5), _quantile(rows, 1 - TAIL)
    least = 1e-3 * np.maximum(1.0, np.abs(middle))  # a feature that is nearly always the same is not infinitely far from itself
    unknown = np.isnan(middle) | ~np.array([of_the_patient(name) for name in names])
    below = np.where(unknown, NEVER, np.maximum((middle - low) / NORMAL, least))
    above = np.where(unknown, NEVER, np.maximum((high - middle) / NORMAL, least))
    nothing = (0.0,) * len(names)
    return GuardConstants(
        feature_names=tuple(names), middle=_rounded(np.where(unknown, 0.0, middle)), below=_rounded(below), above=_rounded(above), extreme=nothing,
        components=(), extreme_limit=0.0, shape_limit=0.0, alpha=0.0, fewest_known=0, oldest_h=0.0,
    )  # fmt: skip


def _quantile(rows: Floats, share: float) -> Floats:
    """Of each column's known values; NaN where none is."""
    known = [column[~np.isnan(column)] for column in rows.T]
    return np.array([np.quantile(one, share) if one.size else np.nan for one in known])


def _components(distance: Floats) -> Floats:
    held = np.clip(distance, -CLIP, CLIP)
    spread, directions = np.linalg.eigh(held.T @ held / len(held))
    order = np.argsort(spread)[::-1]
    enough = int(np.searchsorted(np.cumsum(spread[order]), EXPLAINED * spread.sum())) + 1
    return np.ascontiguousarray(directions[:, order[: min(COMPONENTS, enough)]].T)


def _conformal(scores: Floats, alpha: float) -> float:
    """The split-conformal quantile: a further exchangeable row passes it with probability `alpha` at most.

    Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; Lei et al., JASA 2018;113:1094, with n + 1 in the rank.
    """
    rank = min(len(scores), int(np.ceil((1 - alpha) * (len(scores) + 1))))
    return float(np.partition(scores, rank - 1)[rank - 1])


def _known(rows: Floats, names: Sequence[str]) -> Floats:
    newest = [index for index, name in enumerate(names) if name.endswith("_last")]
    return np.asarray((~np.isnan(rows[:, newest])).sum(axis=1), dtype=np.float64)


def _freshest(rows: Floats, names: Sequence[str]) -> Floats:
    ages = rows[:, [index for index, name in enumerate(names) if name.endswith("_age_h")]]
    return np.asarray(np.where(np.isnan(ages), OLDEST_H, ages).min(axis=1, initial=OLDEST_H))


def _quantiles(rows: Floats, names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Of each quantity's newest value; of several windows the first one's."""
    found: dict[str, tuple[float, ...]] = {}
    for index, name in enumerate(names):
        quantity = quantity_of(name)
        column = rows[:, index]
        known = column[~np.isnan(column)]
        if name.endswith("_last") and quantity not in found and known.size >= 100:
            found[quantity] = _rounded(np.quantile(known, QUANTILES))
    return found


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(float(f"{value:.7g}") for value in values)
