"""A site's own calibration over a model's probabilities: isotonic or beta, fitted on its own patients, a few constants. Pure and monotone."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

Floats = npt.NDArray[np.float64]

EDGE: Final = 1e-6
"""Probabilities are kept this far from 0 and 1, where their logarithms end."""
LEAST: Final = 50
"""Events, and patients without, below which nothing is fitted: a curve through fewer says more about chance than about the site (Van Calster, BMC Med 2019;17:230, asks for 200)."""
ITERATIONS: Final = 100


class TooFew(ValueError):
    """There are too few labelled scores to calibrate on."""


class Calibration(Struct, frozen=True, kw_only=True):
    """`isotonic`: straight lines between (`x`, `y`). `beta`: logit = a ln p − b ln(1 − p) + c, a and b not negative (Kull et al., AISTATS 2017)."""

    kind: Literal["isotonic", "beta"]
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    a: float = 1.0
    b: float = 1.0
    c: float = 0.0


def recalibrated(calibration: Calibration | None, probabilities: Floats) -> Floats:
    """(N,) to (N,), in the same order from low to high; unchanged where there is no calibration.

    >>> recalibrated(Calibration(kind="isotonic", x=(0.0, 0.5, 1.0), y=(0.0, 0.1, 0.6)), np.array([0.25, 0.75])).tolist()
    [0.05, 0.35]
    """
    if calibration is None:
        return probabilities
    if calibration.kind == "isotonic":
        return np.interp(probabilities, calibration.x, calibration.y)
    inside = np.clip(probabilities, EDGE, 1 - EDGE)
    logit = calibration.a * np.log(inside) - calibration.b * np.log1p(-inside) + calibration.c
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def fit_isotonic(probabilities: Floats, labels: Floats) -> Calibration:
    """By pooling neighbours that disagree with the order. Source: Zadrozny and Elkan, KDD 2002. Raises TooFew."""
    _enough(labels)
    order = np.argsort(probabilities, kind="stable")
    blocks: list[list[float]] = []  # sum of labels, number, sum of probabilities
    for probability, label in zip(probabilities[order], labels[order], strict=True):
        blocks.append([float(label), 1.0, float(probability)])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            last = blocks.pop()
            blocks[-1] = [one + other for one, other in zip(blocks[-1], last, strict=True)]
    x = [0.0, *(total / number for _, number, total in blocks), 1.0]
    y = [blocks[0][0] / blocks[0][1], *(hits / number for hits, number, _ in blocks), blocks[-1][0] / blocks[-1][1]]
    kept = np.concatenate([[True], np.diff(x) > 0])
    return Calibration(kind="isotonic", x=tuple(np.array(x)[kept].tolist()), y=tuple(np.array(y)[kept].tolist()))


def fit_beta(probabilities: Floats, labels: Floats) -> Calibration:
    """The likeliest constants, by Newton's method; a negative slope would turn the order round and is left out instead, as Kull et al. do. Raises TooFew."""
    _enough(labels)
    inside = np.clip(probabilities, EDGE, 1 - EDGE)
    columns = {"a": np.log(inside), "b": -np.log1p(-inside)}
    while True:
        fitted = _logistic(np.stack([*columns.values(), np.ones_like(inside)], axis=1), labels)
        slopes = dict(zip(columns, fitted, strict=False))
        against = [name for name, slope in slopes.items() if slope < 0]
        if not against:
            return Calibration(kind="beta", a=float(slopes.get("a", 0.0)), b=float(slopes.get("b", 0.0)), c=float(fitted[-1]))
        del columns[min(against, key=lambda name: slopes[name])]


def _logistic(design: Floats, labels: Floats) -> Floats:
    """A hair of ridge keeps two columns that say the same apart."""
    found = np.zeros(design.shape[1])
    ridge = 1e-6 * np.eye(design.shape[1])
    for _ in range(ITERATIONS):
        chance = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        weighted = design * (chance * (1 - chance))[:, None]
        step = np.linalg.solve(design.T @ weighted + ridge, design.T @ (labels - chance) - ridge @ found)
        found += np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(found)


def _enough(labels: Floats) -> None:
    events = int(labels.sum())
    if min(events, len(labels) - events) < LEAST:
        raise TooFew(f"{events} events among {len(labels)}; {LEAST} of each kind are needed")
