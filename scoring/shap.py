"""Which features moved a booster's score and by how much: exact Shapley values of the trees (path-dependent TreeSHAP)."""

from dataclasses import fields

import numpy as np
import numpy.typing as npt

from scoring.trees import Trees

Floats = npt.NDArray[np.float64]


class Attribution:
    """The trees made ready. A millisecond or two a row: for scores that may page, and on demand."""

    def __init__(self, trees: Trees, features: int) -> None:
        self._features, self.base = features, trees.base
        self._by_depth = [(part, *_rule(part.share.shape[1])) for part in _by_depth(trees)]

    def contributions(self, row: npt.NDArray[np.float32]) -> Floats:
        """(F,) to (F,): log odds each feature adds; with `base` they sum to the trees' raw score.

        A leaf's value is shared out among the features on its path. With z the share of training rows that follow it in a feature, and o = 1 where
        this row does (else 0), feature i gets (o_i − z_i) times the integral over u from 0 to 1 of the product over the others of
        z (1 − u) + o u, since the integral of u^k (1 − u)^(d−1−k) is Shapley's weight k! (d−1−k)! / d!. The integrand is a polynomial of
        degree d − 1, for which Gauss and Legendre's rule is exact. Source of the values: Lundberg et al., Nat Mach Intell 2020;2:56.
        """
        found = np.zeros(self._features)
        for trees, points, weights in self._by_depth:
            slope = _follows(trees, row) - trees.share
            shared = np.zeros_like(trees.share)
            for point, weight in zip(points, weights, strict=True):
                factor = trees.share + point * slope
                shared += (weight * factor.prod(axis=1))[:, None] / factor
            found += np.bincount(trees.feature.ravel(), (trees.value[:, None] * slope * shared).ravel(), minlength=self._features)
        return found

    def raw(self, row: npt.NDArray[np.float32]) -> float:
        """The trees' raw score, log odds before calibration."""
        return float(sum(trees.value[_follows(trees, row).all(axis=1)].sum() for trees, _, _ in self._by_depth))


def _follows(trees: Trees, row: npt.NDArray[np.float32]) -> Floats:
    values = row.astype(np.float64)[trees.feature]
    with np.errstate(invalid="ignore"):
        inside = (values > trees.low) & (values <= trees.high)
    return np.where(np.isnan(values), trees.takes_nan, inside).astype(np.float64)


def _rule(depth: int) -> tuple[Floats, Floats]:
    """Points in 0..1 and weights, exact for every polynomial of a degree below `depth`."""
    points, weights = np.polynomial.legendre.leggauss(depth // 2 + 1)
    return (points + 1) / 2, weights / 2


def _by_depth(trees: Trees) -> list[Trees]:
    """Leaves whose paths are equally long together, without what fills the shorter ones up. A path asks nothing twice, and its steps come first."""
    asks = (trees.low > -np.inf) | (trees.high < np.inf) | ~trees.takes_nan | (trees.share < 1)
    depth = np.maximum(asks.sum(axis=1), 1)
    names = [field.name for field in fields(trees)]
    return [
        Trees(
            **{name: getattr(trees, name)[depth == one] if name == "value" else getattr(trees, name)[depth == one, :one] for name in names}
        )
        for one in np.unique(depth)
    ]
