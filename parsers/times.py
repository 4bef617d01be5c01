"""HL7 times (DTM, TS): any precision, the offset that was sent, else the message's, else the feed's."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

_TIME = re.compile(r"^(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:\.(\d{1,6})\d*)?([+-]\d{4})?$", re.ASCII)
_OFFSET = re.compile(r"[+-]\d{4}$", re.ASCII)


@lru_cache(maxsize=8192)
def parse_time(text: str, assumed: tzinfo = UTC) -> datetime | None:
    """An aware time in UTC; None where the text is no HL7 time. Parts left out are the earliest they can be (HL7 2.5.1, 2.A.22).

    A local time that daylight saving makes twice is the first of the two.

    >>> parse_time("20260301120000+0200").isoformat(), parse_time("202603011230").isoformat(), parse_time("2026-03-01")
    ('2026-03-01T10:00:00+00:00', '2026-03-01T12:30:00+00:00', None)
    """
    found = _TIME.match(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        naive = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), min(int(second or 0), 59),
            int((fraction or "0").ljust(6, "0")), tzinfo=offset_of(offset) or assumed,
        )  # fmt: skip
        return naive.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def offset_of(text: str | None) -> tzinfo | None:
    """The zone of `+HHMM`; None for nothing and for what lies beyond a day's reach.

    >>> offset_of("-0930"), offset_of("+9900"), offset_of("+1x00")
    (datetime.timezone(datetime.timedelta(days=-1, seconds=52200)), None, None)
    """
    if not text or not _OFFSET.match(text):
        return None
    sign = -1 if text[0] == "-" else 1
    hours, minutes = int(text[1:3]), int(text[3:5])
    if hours > 14 or minutes > 59:
        return None
    return timezone(sign * timedelta(hours=hours, minutes=minutes))


def has_offset(text: str) -> bool:
    """Whether the text says its own offset."""
    return len(text) > 5 and _OFFSET.match(text[-5:]) is not None


def parse_date(text: str) -> date | None:
    """A date of birth: at least year, month and day.

    >>> parse_date("19560321"), parse_date("1956")
    (datetime.date(1956, 3, 21), None)
    """
    if len(text) < 8 or not text[:8].isdigit():
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
