"""The model and NEWS2 alone at as many pages: each by the threshold and the shape of rule that meet most events there, chosen on some patients."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from alerts.policy_text import told
from alerts.rules import Policy
from alerts.simulate.figures import thinned
from alerts.simulate.thresholds import Judged, judged, lone
from alerts.simulate.tracks import Track

NEWS2: Final = "news2"


class Shape(NamedTuple):
    """How a lone rule behaves besides its threshold: how far below it clears, how long it must stay there, how far above the last page it is told anew.

    `clear` and `rearm` are shares of the model's threshold, and points of NEWS2. `rearm`: None, never. `remind`: so long after an answer it is told again.
    """

    clear: float
    dwell: timedelta
    rearm: float | None
    remind: timedelta | None = None


HALF_AN_HOUR, TWO_HOURS, A_DAY = timedelta(minutes=30), timedelta(hours=2), timedelta(hours=24)
USUAL_NEWS2: Final = Shape(1.0, HALF_AN_HOUR, None)
USUAL_MODEL: Final = Shape(0.2, HALF_AN_HOUR, None)
"""As NEWS2's 4 is of 5."""
NEWS2_SHAPES: Final = tuple(Shape(*far, rearm) for far in ((1.0, HALF_AN_HOUR), (2.0, TWO_HOURS)) for rearm in (None, 3.0, 2.0))
MODEL_SHAPES: Final = tuple(Shape(*far, rearm) for far in ((0.2, HALF_AN_HOUR), (0.4, TWO_HOURS)) for rearm in (None, 2.0, 1.0))
"""As many as NEWS2 has, so that neither is given more freedom than the other; the first is the usual one."""
NEWS2_DAILY: Final = tuple(shape._replace(remind=A_DAY) for shape in NEWS2_SHAPES if shape.rearm in (None, 3.0))
MODEL_DAILY: Final = tuple(shape._replace(remind=A_DAY) for shape in MODEL_SHAPES if shape.rearm in (None, 2.0))
"""As they would be where a hospital has what was answered told again a day later, which Vigil's own policy does not."""
POINTS: Final = range(4, 11)
SHARES: Final = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
"""Thresholds of the model that are tried: so many of all hours lie below."""
NEARER: Final = 8
"""Halvings of the way between the highest and the lowest of them, to come as near to a number of pages as can be."""


def usual(points: int) -> Policy:
    """NEWS2 from so many points on, and nothing else."""
    return _news2(points, USUAL_NEWS2)


def usual_model(model: str, threshold: float) -> Policy:
    """The model alone, by a rule built as NEWS2's is."""
    return _model(model, threshold, USUAL_MODEL)


class BestOfNews2:
    """NEWS2 with each threshold and shape, once, over the patients it is chosen on."""

    def __init__(self, tracks: Sequence[Track], shapes: Sequence[Shape] = NEWS2_SHAPES) -> None:
        self._tried = [judged(_news2(points, shape), tracks) for points, shape in product(POINTS, shapes)]

    def at(self, pages: float) -> Judged:
        """What meets most events at so many pages a day per 35 patients; what pages more is thinned to that at random."""
        return max(self._tried, key=lambda one: _met(one, pages))


class BestOfModel:
    """The model with each threshold and shape, once, over the patients it is chosen on."""

    def __init__(self, model: str, tracks: Sequence[Track], shapes: Sequence[Shape] = MODEL_SHAPES) -> None:
        self._model, self._tracks = model, tracks
        reached = [seen.at_least for track in tracks for scores in track.scores for seen in scores if seen.name == model]
        known = np.array([one for one in reached if one is not None], np.float64)
        self._thresholds = sorted({float(one) for one in np.quantile(known, SHARES)}) if len(known) else [1.0]
        self._tried = [(shape, judged(_model(model, threshold, shape), tracks)) for threshold, shape in product(self._thresholds, shapes)]

    def at(self, pages: float) -> Judged:
        """The shape that meets most events at so many pages, by the threshold that pages as often or as little less as can be."""
        shape = max(self._tried, key=lambda one: _met(one[1], pages))[0]
        low, high = self._thresholds[0], self._thresholds[-1]
        best = self._judged(high, shape)
        for _ in range(NEARER):
            middle = (low * high) ** 0.5
            found = self._judged(middle, shape)
            if found.pages <= pages:
                best, high = found, middle
            else:
                low = middle
        return best

    def _judged(self, threshold: float, shape: Shape) -> Judged:
        return judged(_model(self._model, threshold, shape), self._tracks)


def words(policy: Policy) -> str:
    """A lone rule in words."""
    return next(says for name, says in told(policy).items() if name.startswith("urgent by"))


def _met(one: Judged, pages: float) -> tuple[float, float]:
    once = np.ones((1, len(one.counts.days)))
    left = np.array([min(1.0, pages / one.pages) if one.pages > 0 else 1.0])
    return float(thinned(one.counts, once, left)[0]), -one.pages


def _news2(points: int, shape: Shape) -> Policy:
    return lone(NEWS2, float(points), points - shape.clear, shape.dwell, shape.rearm, shape.remind)


def _model(model: str, threshold: float, shape: Shape) -> Policy:
    rise = None if shape.rearm is None else shape.rearm * threshold
    return lone(model, threshold, threshold * (1 - shape.clear), shape.dwell, rise, shape.remind)
