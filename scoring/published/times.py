"""Times in a request: ISO 8601 texts to aware instants, and how old each input is."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from scoring.published.inputs import CannotScore, Contradiction

YEARS: Final = range(1900, 2200)
"""A year outside is a typing error, and adding a window to it could leave the calendar."""


class NotATime(CannotScore):
    """A text is no ISO 8601 time, or one without an offset where that matters."""

    code = "not_a_time"


def instant(text: str) -> datetime:
    """One time, in UTC; it must have an offset.

    >>> instant("2026-03-01T08:00:00+02:00").isoformat()
    '2026-03-01T06:00:00+00:00'
    """
    found = _read(text)
    if found.tzinfo is None:
        raise NotATime("a time without an offset from UTC")
    return found.astimezone(UTC)


def instants(texts: Sequence[str]) -> list[datetime]:
    """Times of which only the distances matter: all with an offset, or none, and then they are taken as UTC.

    >>> [at.hour for at in instants(["2026-03-01 08:00", "2026-03-01T09:30"])]
    [8, 9]
    """
    found = [_read(text) for text in texts]
    if len({at.tzinfo is None for at in found}) > 1:
        raise Contradiction("some times have an offset from UTC and some have none")
    return [at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC) for at in found]


def ages_s(observed_at: Mapping[str, str], given: Sequence[str], at: str | None) -> dict[str, float | None]:
    """Seconds from each input to `at`, or to the newest of them; None for a given input whose time was not told.

    >>> ages_s({"hr_per_min": "2026-03-01T08:00Z"}, ["hr_per_min", "sbp_mmhg"], "2026-03-01T08:05Z")
    {'hr_per_min': 300.0, 'sbp_mmhg': None}
    """
    observed = {name: instant(text) for name, text in observed_at.items() if name in given}
    now = instant(at) if at is not None else max(observed.values(), default=None)
    if now is not None and any(one > now for one in observed.values()):
        raise Contradiction("an input was observed after the time it is scored for")
    return {name: None if name not in observed or now is None else (now - observed[name]).total_seconds() for name in given}


def _read(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise NotATime("a text that is no ISO 8601 time") from error
    if found.year not in YEARS:
        raise NotATime(f"a year outside {YEARS.start}-{YEARS.stop - 1}")
    return found
