"""Summaries of one quantity over a window that ends now: exact, in the patient's own time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from streams.readings import Reading


class Summary(NamedTuple):
    """Of the numbers in a window; `slope_per_h` is the least-squares line, None below two distinct times."""

    last: float
    low: float
    high: float
    mean: float
    slope_per_h: float | None
    number: int
    age_h: float


def within(readings: Sequence[Reading], at: datetime, window: timedelta) -> list[Reading]:
    """Readings with a number, observed after `at - window` and received by `at`: nothing the bedside could not know.

    A time a little ahead of `at` is a sender's clock that is fast (`streams.times.AHEAD` bounds it), not a reading from the future.
    """
    start = at - window
    found: list[Reading] = []
    for reading in reversed(readings):
        if reading.observed_at <= start:
            break
        if reading.received_at <= at and reading.value_num is not None:
            found.append(reading)
    found.reverse()
    return found


def latest(readings: Sequence[Reading], at: datetime, max_age: timedelta) -> Reading | None:
    """The newest reading that holds a value, was observed after `at - max_age` and received by `at`."""
    start = at - max_age
    for reading in reversed(readings):
        if reading.observed_at <= start:
            return None
        if reading.received_at <= at and (reading.value_num is not None or reading.value_text is not None):
            return reading
    return None


def summarise(readings: Sequence[Reading], at: datetime, window: timedelta, *, slope: bool = True) -> Summary | None:
    """The summary of a window; None where it holds no number. Without `slope` that part is None and costs nothing."""
    held = within(readings, at, window)
    if not held:
        return None
    numbers = [reading.value_num or 0.0 for reading in held]
    count = len(numbers)
    mean = sum(numbers) / count
    line = _slope(held, numbers, mean, at) if slope and count > 1 else None
    age_h = max(0.0, (at - held[-1].observed_at).total_seconds() / 3600.0)
    return Summary(numbers[-1], min(numbers), max(numbers), mean, line, count, age_h)


def _slope(held: Sequence[Reading], numbers: Sequence[float], mean: float, at: datetime) -> float | None:
    hours = [(reading.observed_at - at).total_seconds() / 3600.0 for reading in held]
    middle = sum(hours) / len(hours)
    offsets = [hour - middle for hour in hours]
    spread = sum([offset * offset for offset in offsets])
    if spread < 1e-9:
        return None
    return sum([offset * (number - mean) for offset, number in zip(offsets, numbers, strict=True)]) / spread
