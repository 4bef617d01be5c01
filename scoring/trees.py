"""The booster's trees as arrays, with how many training rows went each way: what exact attribution needs, and running Vigil has no LightGBM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

CATEGORICAL, DEFAULT_LEFT, MISSING = 1, 2, 12
"""Bits of LightGBM's decision_type; MISSING holds 0 (none: NaN counts as 0), 4 (zero is missing), 8 (NaN is missing). Source: LightGBM, tree.h."""
ARRAYS: Final = ("value", "feature", "low", "high", "takes_nan", "share")


class NotTrees(ValueError):
    """This is no model text of numerical trees; the text says what is odd about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Every leaf with its path: L leaves, D the most features on one path, shorter paths filled up with what changes nothing.

    `value` (L,): what the leaf adds to the raw score. `feature` (L, D): index. A row follows the path in that feature where it lies in
    (`low`, `high`], or is NaN and `takes_nan`. `share` (L, D): of the training rows, how many follow it there.
    """

    value: Floats
    feature: Indices
    low: Floats
    high: Floats
    takes_nan: npt.NDArray[np.bool_]
    share: Floats

    @property
    def base(self) -> float:
        """The raw score of nobody in particular: the mean over the training rows, as path-dependent TreeSHAP takes it."""
        return float((self.value * self.share.prod(axis=1)).sum())

    def save(self, path: Path) -> None:
        """The same trees give the same bytes."""
        with path.open("wb") as file:
            np.savez_compressed(file, **{name: getattr(self, name) for name in ARRAYS})


def load(path: Path) -> Trees:
    """Reads what `save` wrote. Raises NotTrees."""
    try:
        with np.load(path, allow_pickle=False) as held:
            return Trees(**{name: held[name] for name in ARRAYS})
    except (ValueError, KeyError, OSError) as error:
        raise NotTrees(f"{path.name} holds no trees: {type(error).__name__}") from error


@dataclass(slots=True)
class _Step:
    """What a path asks of one feature, all its splits by it taken together."""

    low: float = -np.inf
    high: float = np.inf
    takes_nan: bool = True
    share: float = 1.0


Path_ = dict[int, _Step]


def trees_of(text: str, weight: float = 1.0) -> Trees:
    """From LightGBM's own model text (`Booster.model_to_string`); every leaf times `weight`, for a mean of several boosters. Raises NotTrees.

    The thresholds should be those of the served file (`scoring.models.export.with_single_thresholds`).
    """
    leaves = [leaf for block in text.split("\nTree=")[1:] for leaf in _leaves(_fields(block))]
    if not leaves:
        raise NotTrees("no tree in it")
    deepest = max(1, *(len(path) for _, path in leaves))
    shape = (len(leaves), deepest)
    feature, low, high = np.zeros(shape, np.intp), np.full(shape, -np.inf), np.full(shape, np.inf)
    takes_nan, share = np.ones(shape, np.bool_), np.ones(shape)
    for row, (_, path) in enumerate(leaves):
        for column, (index, step) in enumerate(path.items()):
            feature[row, column], low[row, column], high[row, column] = index, step.low, step.high
            takes_nan[row, column], share[row, column] = step.takes_nan, step.share
    value = np.array([leaf for leaf, _ in leaves]) * weight
    return Trees(value=value, feature=feature, low=low, high=high, takes_nan=takes_nan, share=share)


def joined(several: Sequence[Trees]) -> Trees:
    """The sum of several."""
    deepest = max(one.share.shape[1] for one in several)
    fillers: Mapping[str, float] = {"feature": 0, "low": -np.inf, "high": np.inf, "takes_nan": True, "share": 1.0}
    found = {"value": np.concatenate([one.value for one in several])}
    for name, filler in fillers.items():
        parts = [getattr(one, name) for one in several]
        wide = [np.pad(part, ((0, 0), (0, deepest - part.shape[1])), constant_values=filler) for part in parts]
        found[name] = np.concatenate(wide)
    return Trees(**found)


def _fields(block: str) -> dict[str, list[str]]:
    lines = block.split("\n\n", 1)[0].splitlines()
    return {key: value.split() for key, _, value in (line.partition("=") for line in lines) if value}


def _leaves(tree: Mapping[str, list[str]]) -> list[tuple[float, Path_]]:
    """Value and path of each leaf. Nodes are numbered from 0, leaves from -1 downwards, as in LightGBM."""
    if "split_feature" not in tree:
        return [(float(tree["leaf_value"][0]), {})]
    found: list[tuple[float, Path_]] = []
    waiting: list[tuple[int, Path_]] = [(0, {})]
    while waiting:
        node, path = waiting.pop()
        if node < 0:
            found.append((float(tree["leaf_value"][~node]), path))
            continue
        for child, left in ((int(tree["left_child"][node]), True), (int(tree["right_child"][node]), False)):
            waiting.append((child, _with_split(path, tree, node, child, left=left)))
    return found


def _with_split(path: Path_, tree: Mapping[str, list[str]], node: int, child: int, *, left: bool) -> Path_:
    decision, threshold = int(tree["decision_type"][node]), float(tree["threshold"][node])
    if decision & CATEGORICAL or decision & MISSING not in (0, 8):
        raise NotTrees("a split that is no plain comparison")
    default_left = bool(decision & DEFAULT_LEFT) if decision & MISSING == 8 else threshold >= 0.0
    index = int(tree["split_feature"][node])
    before = path.get(index, _Step())
    return path | {
        index: _Step(
            low=before.low if left else max(before.low, threshold),
            high=min(before.high, threshold) if left else before.high,
            takes_nan=before.takes_nan and default_left == left,
            share=before.share * _count(tree, child) / _count(tree, node),
        )
    }


def _count(tree: Mapping[str, list[str]], node: int) -> int:
    return int(tree["internal_count"][node] if node >= 0 else tree["leaf_count"][~node])
