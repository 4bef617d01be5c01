"""The readings of one quantity in a window that ends now: exact, in the patient's own time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from streams.readings import Reading


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
