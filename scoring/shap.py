"""Which features moved a booster's score and by how much: exact Shapley values of the trees (path-dependent TreeSHAP)."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from scoring.trees import Trees

Floats = npt.NDArray[np.float64]

BLOCK: Final = 4096
"""Leaves at a time: what is computed of them stays in the processor's cache."""


class _Block(NamedTuple):
    """Leaves whose paths are equally long, one step a row and one leaf a column: (d, l), so that products run along memory. The rule integrates."""

    value: Floats
    feature: npt.NDArray[np.intp]
    low: Floats
    high: Floats
    takes_nan: npt.NDArray[np.bool_]
    share: Floats
    points: Floats
    weights: Floats


class Attribution:
    """The trees made ready. A few milliseconds a row (3,200 trees of 15 leaves: see `scoring.bedside.EXPLAINED`): for scores that may page, and on demand."""

    def __init__(self, trees: Trees, features: int) -> None:
        self._features, self.base = features, trees.base
        self._blocks = _blocks(trees)

    def contributions(self, row: npt.NDArray[np.float32]) -> Floats:
        """(F,) to (F,): log odds each feature adds; with `base` they sum to the trees' raw score.

        A leaf's value is shared out among the features on its path. With z the share of training rows that follow it in a feature, and o = 1 where
        this row does (else 0), feature i gets (o_i − z_i) times the integral over u from 0 to 1 of the product over the others of
        z (1 − u) + o u, since the integral of u^k (1 − u)^(d−1−k) is Shapley's weight k! (d−1−k)! / d!. The integrand is a polynomial of
        degree d − 1, for which Gauss and Legendre's rule is exact. Source of the values: Lundberg et al., Nat Mach Intell 2020;2:56.
        """
        found = np.zeros(self._features)
        for block in self._blocks:
            slope = _follows(block, row) - block.share
            shared = np.zeros_like(block.share)
            for point, weight in zip(block.points, block.weights, strict=True):
                factor = slope * point
                factor += block.share
                whole = weight * factor.prod(axis=0)
                np.divide(whole, factor, out=factor)
                shared += factor
            shared *= slope
            shared *= block.value
            found += np.bincount(block.feature.ravel(), shared.ravel(), minlength=self._features)
        return found

    def raw(self, row: npt.NDArray[np.float32]) -> float:
        """The trees' raw score, log odds before calibration."""
        return float(sum(block.value[_follows(block, row).all(axis=0)].sum() for block in self._blocks))


def _follows(block: _Block, row: npt.NDArray[np.float32]) -> Floats:
    values = row.astype(np.float64)[block.feature]
    with np.errstate(invalid="ignore"):
        inside = (values > block.low) & (values <= block.high)
    return np.where(np.isnan(values), block.takes_nan, inside).astype(np.float64)


def _rule(depth: int) -> tuple[Floats, Floats]:
    """Points in 0..1 and weights, exact for every polynomial of a degree below `depth`."""
    points, weights = np.polynomial.legendre.leggauss((depth + 1) // 2)
    return (points + 1) / 2, weights / 2


def _blocks(trees: Trees) -> list[_Block]:
    """Without what fills the shorter paths up. A path asks nothing twice, and its steps come first."""
    asks = (trees.low > -np.inf) | (trees.high < np.inf) | ~trees.takes_nan | (trees.share < 1)
    depth = np.maximum(asks.sum(axis=1), 1)
    found = []
    for steps in np.unique(depth):
        leaves = np.flatnonzero(depth == steps)
        found += [_block(trees, leaves[begin : begin + BLOCK], int(steps)) for begin in range(0, len(leaves), BLOCK)]
    return found


def _block(trees: Trees, leaves: npt.NDArray[np.intp], steps: int) -> _Block:
    points, weights = _rule(steps)
    return _Block(
        value=trees.value[leaves],
        feature=np.ascontiguousarray(trees.feature[leaves, :steps].T),
        low=np.ascontiguousarray(trees.low[leaves, :steps].T),
        high=np.ascontiguousarray(trees.high[leaves, :steps].T),
        takes_nan=np.ascontiguousarray(trees.takes_nan[leaves, :steps].T),
        share=np.ascontiguousarray(trees.share[leaves, :steps].T),
        points=points,
        weights=weights,
    )
