"""Bands: a published table of points as data, and the look-up that every table shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from math import isfinite
from typing import Final, TypeGuard

ANY_FLOAT: Final = Context(prec=340)
"""Digits for the largest float at any chart's resolution: a number that cannot be is banded like one that can, and does not raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Points by value. `upper`: (highest value of the band, points) in rising order; the last band has no upper end.

    `step`: the resolution the chart is drawn in; values are rounded to it first, halves away from zero, because between the
    printed bands there are gaps otherwise (38.05 °C lies in none of NEWS2's).
    """

    upper: Sequence[tuple[float, int]]
    beyond: int
    step: str = "1"

    def points(self, value: float) -> int:
        """The points of a value.

        >>> Table(upper=((8, 3), (11, 1), (20, 0), (24, 2)), beyond=3).points(24.4)
        2
        """
        rounded = rounded_to(value, self.step)
        for highest, points in self.upper:
            if rounded <= Decimal(str(highest)):
                return points
        return self.beyond

    def points_or_none(self, value: float | None) -> int | None:
        """The points of a value that may not be known; NaN and infinity are no values.

        >>> Table(upper=((8, 3),), beyond=0).points_or_none(float("nan")) is None
        True
        """
        return self.points(value) if known(value) else None


def known(value: float | None) -> TypeGuard[float]:
    """Whether there is a number to score: None, NaN and infinity are missing, never normal."""
    return value is not None and isfinite(value)


def two_sided(low: tuple[int, int, int], high: tuple[int, int, int], points: tuple[int, int, int]) -> Table:
    """A table whose points rise on both sides of normal: `low` are the highest values of its low bands, `high` the lowest of its high bands,
    both from the outermost inwards, as are `points`.

    >>> [two_sided((80, 90, 110), (190, 180, 150), (4, 2, 1)).points(rate) for rate in (80, 81, 110, 111, 149, 150, 190)]
    [4, 2, 1, 0, 0, 1, 4]
    """
    below = tuple(zip(low, points, strict=True))
    above = tuple((lowest - 1, scored) for lowest, scored in zip(reversed(high), (0, *reversed(points[1:])), strict=True))
    return Table(upper=(*below, *above), beyond=points[0])


def rounded_to(value: float, step: str) -> Decimal:
    """The value at the chart's resolution.

    >>> rounded_to(38.05, "0.1"), rounded_to(8.5, "1")
    (Decimal('38.1'), Decimal('9'))
    >>> Table(upper=((8, 3),), beyond=0).points(1e308)
    0
    """
    return Decimal(str(value)).quantize(Decimal(step), rounding=ROUND_HALF_UP, context=ANY_FLOAT)
