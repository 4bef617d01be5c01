"""Whether a model may speak about these features at all: what is impossible, contradictory, too little, too old or unlike its training data is abstained on."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from scoring.plausible import LIMITS
from scoring.quantities import AGE, COUNT, VALUES, quantity_of
from scoring.score import Abstention, Why

Floats = npt.NDArray[np.float64]

CLIP: Final = 6.0
"""How far one feature may pull the shape: beyond, it is an extreme, which is judged by itself."""
ROUNDING: Final = 1e-4
"""Of a value: as much may float32 and a mean over equal numbers differ from what they were made of."""
AGE_YEARS: Final = (0.0, 130.0)
CHUNK: Final = 256
"""Rows at a time: what is computed of them fits into the processor's cache."""


class GuardConstants(Struct, frozen=True, kw_only=True):
    """What validation patients look like, feature by feature in the order of `feature_names`, and the limits calibrated on them (`scoring.guard_fit`).

    `middle`: medians; `below`, `above`: one standard unit to either side; `extreme`: the largest distance seen but for one in ten thousand;
    `components`: the main directions of the standardised features. `extreme_limit`, `shape_limit`: conformal quantiles of the two
    nonconformities, each passed by `alpha / 2` of the validation rows. `quantiles`: by canonical name, of the newest value, for unit drift.
    """

    feature_names: tuple[str, ...]
    middle: tuple[float, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]
    extreme: tuple[float, ...]
    components: tuple[tuple[float, ...], ...]
    extreme_limit: float
    shape_limit: float
    alpha: float
    fewest_known: int
    oldest_h: float
    quantiles: Mapping[str, tuple[float, ...]] = {}


def guard_of(path: Path) -> "Guard | None":
    """The guard kept in `guard.json`; None where the model was trained without one. Raises msgspec.ValidationError where it is no such file."""
    return Guard(msgspec.json.decode(path.read_bytes(), type=GuardConstants)) if path.exists() else None


class Guard:
    """The constants made ready. Pure; about 5 µs a row in batches of 32 and more."""

    def __init__(self, constants: GuardConstants) -> None:
        self.constants = constants
        names = constants.feature_names
        self._low, self._high = _limits(names)
        self._ordered = _ordered(names)
        self._last = np.array([index for index, name in enumerate(names) if name.endswith("_last")], dtype=np.intp)
        self._age = np.array([index for index, name in enumerate(names) if name.endswith(AGE)], dtype=np.intp)
        self._count = np.array([index for index, name in enumerate(names) if name.endswith(COUNT)], dtype=np.intp)

    def check(self, matrix: npt.NDArray[np.float32]) -> list[Abstention | None]:
        """For each row of (N, F) None where the model may speak. Raises ValueError where F is another list of features."""
        if matrix.ndim != 2 or matrix.shape[1] != len(self.constants.feature_names):
            raise ValueError(f"{matrix.shape} is not (N, {len(self.constants.feature_names)}): other features than the guard's")
        found: list[Abstention | None] = []
        for begin in range(0, len(matrix), CHUNK):
            found += self._check(matrix[begin : begin + CHUNK].astype(np.float64))
        return found

    def _check(self, rows: Floats) -> list[Abstention | None]:
        """The first reason that holds, the plainest first."""
        found: list[Abstention | None] = [None] * len(rows)
        for reason, bad, about in self._judged(rows):
            for row in np.flatnonzero(bad.any(axis=1) if bad.ndim == 2 else bad):
                if found[row] is None:
                    which = int(bad[row].argmax()) if bad.ndim == 2 else int(row)
                    found[row] = Abstention(reason=reason, detail=about[which])
        return found

    def _judged(self, rows: Floats) -> "list[tuple[Why, npt.NDArray[np.bool_], Sequence[str]]]":
        constants, names = self.constants, self.constants.feature_names
        known = (~np.isnan(rows[:, self._last])).sum(axis=1)
        ages = np.where(np.isnan(rows[:, self._age]), np.inf, rows[:, self._age]).min(axis=1, initial=np.inf)
        distance = distances(constants, rows)
        far = np.abs(distance) / self._extreme
        odd = shape(distance, self._components, rows)
        infinite = np.isinf(rows)
        infinite[:, self._count] |= np.isnan(rows[:, self._count])
        below, above = self._ordered
        with np.errstate(invalid="ignore"):
            outside = (rows < self._low) | (rows > self._high)
            crossed = rows[:, below] > rows[:, above] + ROUNDING * np.abs(rows[:, above]) + 1e-9
        whole = ("the combination of values",) * len(rows)
        return [
            ("not_finite", infinite, names),
            ("out_of_range", outside, names),
            ("contradiction", crossed, [f"{names[one]} above {names[other]}" for one, other in zip(below, above, strict=True)]),
            ("too_few", known < constants.fewest_known, [f"{number} quantities known" for number in known]),
            ("too_old", ages > constants.oldest_h, ["nothing recent"] * len(rows)),
            ("unlike_training", far > constants.extreme_limit, names),
            ("unlike_training", odd > constants.shape_limit, whole),
        ]  # fmt: skip

    @cached_property
    def _extreme(self) -> Floats:
        return np.array(self.constants.extreme)

    @cached_property
    def _components(self) -> Floats:
        return np.array(self.constants.components).reshape(-1, len(self.constants.feature_names))


def distances(constants: GuardConstants, rows: Floats) -> Floats:
    """How far each feature lies from the median, in its own units to that side; 0 where it is not known or is no finding of the patient's."""
    off = np.where(np.isinf(rows), np.nan, rows) - np.array(constants.middle)
    return np.asarray(np.nan_to_num(np.where(off > 0, off / np.array(constants.above), off / np.array(constants.below))))


def shape(distance: Floats, components: Floats, rows: Floats) -> Floats:
    """What of a row the main directions of the training data do not explain, per known feature: (N, F) to (N,)."""
    held = np.clip(distance, -CLIP, CLIP)
    along = held @ components.T
    left = np.maximum((held * held).sum(axis=1) - (along * along).sum(axis=1), 0.0)
    return np.asarray(left / (1 + (~np.isnan(rows)).sum(axis=1)))


def _limits(names: Sequence[str]) -> tuple[Floats, Floats]:
    """What each feature can be at all: values as `scoring.plausible` has them, counts and ages not negative."""
    low, high = np.full(len(names), -np.inf), np.full(len(names), np.inf)
    for index, name in enumerate(names):
        if name.endswith((AGE, COUNT)):
            low[index] = 0.0
        elif name == "age_years":
            low[index], high[index] = AGE_YEARS
        elif name.endswith(VALUES) and quantity_of(name) in LIMITS:
            low[index], high[index] = LIMITS[quantity_of(name)]
    width = ROUNDING * np.where(np.isfinite(high), np.abs(high), 0.0)
    return low - width, high + width


def _ordered(names: Sequence[str]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pairs of features of which the first can never be above the second: of one window, and diastolic and systolic pressure of one window."""
    place = {name: index for index, name in enumerate(names)}
    pairs = []
    for name in names:
        if name.endswith("_low"):
            stem = name.removesuffix("_low")
            pairs += [(f"{stem}_low", f"{stem}_{other}") for other in ("last", "mean", "high")]
            pairs += [(f"{stem}_{other}", f"{stem}_high") for other in ("last", "mean")]
        if name.startswith("dbp_") and name.endswith(("_mean", "_last")):
            pairs.append((name, "sbp_" + name.removeprefix("dbp_")))
    held = [(place[one], place[other]) for one, other in pairs if one in place and other in place]
    return np.array([one for one, _ in held], dtype=np.intp), np.array([other for _, other in held], dtype=np.intp)
