"""The straight way from a stay of typical values to the stay as it was, and how the network's answer changes along it: what integrated gradients walk."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from scoring.models.sequence.step import CODES
from scoring.models.sequence.whole import Hour, Whole

Doubles = npt.NDArray[np.float64]

MOVED: Final = (0, 4, 5)
"""Of the parts that the network sees of a quantity, those that its value moves: the last, its change, its distance from the mean. The others
(whether, how long ago and how often it was measured) are moved by when it was measured."""


class Way:
    """At 0 every measured value is a typical one (the training patients' centre), measured at the same times; at 1 all are as they were.

    What the network sees is linear in the values while it is fixed when they were measured, so along the way it changes in straight lines.
    """

    def __init__(self, whole: Whole, hours: Sequence[Hour]) -> None:
        self._whole, self._from = whole, whole.stay(hours, typical=True)[0]
        self._moved = whole.stay(hours, typical=False)[0] - self._from

    def log_odds(self, point: float) -> float:
        """Of the worth after the last step."""
        return self._whole.log_odds(self._from + point * self._moved)

    def slopes(self, point: float) -> Doubles:
        """By place in CODES, (C,): how fast the log odds change with the way of one quantity's values; their sum is how fast they change."""
        each = self._whole.gradient(self._from + point * self._moved) * self._moved
        count = len(CODES)
        return np.asarray(sum(each[:, part * count : (part + 1) * count].sum(axis=0) for part in MOVED))
