"""The numbers of one quantity in time, walked once and summarised over as many windows as are asked for. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import nan, sqrt
from typing import Final, NamedTuple

from streams.readings import Reading


class Spell(NamedTuple):
    """Of the numbers in one window, NaN where there are none; `sd` of the population; `slope_per_h` the least-squares line, NaN below two distinct times."""

    last: float
    age_h: float
    low: float
    high: float
    mean: float
    sd: float
    slope_per_h: float
    number: int


NOTHING: Final = Spell(nan, nan, nan, nan, nan, nan, nan, 0)


@dataclass(frozen=True, slots=True)
class Series:
    """`hours`: how long ago each number was observed, the newest (smallest) first, never below 0; `numbers` beside them."""

    hours: Sequence[float]
    numbers: Sequence[float]

    @property
    def last(self) -> float:
        """The newest, NaN where there is none."""
        return self.numbers[0] if self.numbers else nan

    @property
    def before(self) -> float:
        """The one before the newest, NaN where there is none."""
        return self.numbers[1] if len(self.numbers) > 1 else nan

    @property
    def age_h(self) -> float:
        """Of the newest."""
        return self.hours[0] if self.hours else nan

    @property
    def low(self) -> float:
        """The lowest of all."""
        return min(self.numbers, default=nan)

    @property
    def high(self) -> float:
        """The highest of all."""
        return max(self.numbers, default=nan)

    def count(self, window_h: float) -> int:
        """How many were observed less than `window_h` ago."""
        return bisect_left(self.hours, window_h)

    def since(self, window_h: float) -> Spell:
        """The summary of those observed less than `window_h` ago.

        >>> Series([0.0, 1.0, 9.0], [90.0, 110.0, 130.0]).since(6.0)
        Spell(last=90.0, age_h=0.0, low=90.0, high=110.0, mean=100.0, sd=10.0, slope_per_h=-20.0, number=2)
        """
        count = self.count(window_h)
        if not count:
            return NOTHING
        hours, numbers = self.hours[:count], self.numbers[:count]
        mean = sum(numbers) / count
        if count == 1:
            return Spell(mean, hours[0], mean, mean, mean, 0.0, nan, 1)
        offsets = [number - mean for number in numbers]
        middle = sum(hours) / count
        spread = sum([(hour - middle) * (hour - middle) for hour in hours])
        slope = -sum([hour * offset for hour, offset in zip(hours, offsets, strict=True)]) / spread if spread > 1e-9 else nan
        sd = sqrt(sum([offset * offset for offset in offsets]) / count)
        return Spell(numbers[0], hours[0], min(numbers), max(numbers), mean, sd, slope, count)


NOTHING_SERIES: Final = Series((), ())


def series(readings: Sequence[Reading], at: datetime, window: timedelta) -> Series:
    """The numbers observed after `at - window` and received by `at`: nothing the bedside could not know.

    A time a little ahead of `at` is a sender's clock that is fast (`streams.times.AHEAD` bounds it), not a reading from the future.
    """
    start, hours, numbers = at - window, [], []
    for reading in reversed(readings):
        if reading.observed_at <= start:
            break
        if reading.received_at <= at and reading.value_num is not None:
            hours.append(max(0.0, (at - reading.observed_at).total_seconds() / 3600.0))
            numbers.append(reading.value_num)
    return Series(hours, numbers)
