"""The hour that comes twice when the clocks go back: which of the two a feed without offsets means is told by when its message came."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from streams.times import AHEAD

NIGHT = timedelta(hours=24)
"""Around the change: how long a message may speak of the hour that came twice as of the present."""


@dataclass(frozen=True)
class Latest(tzinfo):
    """A zone in which an ambiguous time is the later of the two instants that is not after `not_after`; every other time is as the zone has it."""

    zone: tzinfo
    not_after: datetime

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """The offset of a local time."""
        if dt is None:
            return None
        first = self.zone.utcoffset(dt.replace(tzinfo=None, fold=0))
        second = self.zone.utcoffset(dt.replace(tzinfo=None, fold=1))
        if first is None or second is None or second >= first:  # not ambiguous, or an hour that is left out
            return first
        return second if dt.replace(tzinfo=UTC) - second <= self.not_after else first

    def dst(self, dt: datetime | None) -> timedelta | None:
        """What of the offset is daylight saving is not told."""
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        """The zone's own name."""
        return str(self.zone)


def zone_at(zone: tzinfo, received_at: datetime) -> tzinfo:
    """The zone to read a message's local times in. Outside the night in which the clocks go back it is the zone itself.

    >>> from zoneinfo import ZoneInfo
    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> zone_at(berlin, datetime(2026, 3, 1, 12, tzinfo=UTC)) is berlin
    True
    >>> local = datetime(2026, 10, 25, 2, 10, tzinfo=zone_at(berlin, datetime(2026, 10, 25, 1, 11, tzinfo=UTC)))
    >>> local.astimezone(UTC).isoformat()
    '2026-10-25T01:10:00+00:00'
    """
    if zone is UTC:
        return zone
    offsets = [zone.utcoffset((received_at + shift).replace(tzinfo=None)) for shift in (-NIGHT, NIGHT)]
    early, late = offsets  # the zone's clock is asked with UTC's time: a day either way reaches further than any offset
    return Latest(zone, received_at + AHEAD) if early is not None and late is not None and early > late else zone
