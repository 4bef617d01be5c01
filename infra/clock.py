"""The one clock of an installation: real time, or the demo's scaled time, the same in every process that shares its anchor."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Tells Vigil's time: `anchor` at the real instant `real_anchor`, and `speed` seconds a real second from there.

    >>> from datetime import UTC, datetime
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> Clock(anchor=noon, real_anchor=noon, speed=60.0).at(noon.replace(minute=1)).isoformat()
    '2026-01-01T13:00:00+00:00'
    """

    anchor: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    real_anchor: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    speed: float = 1.0

    def at(self, real: datetime) -> datetime:
        """Vigil's time at a real instant."""
        return self.anchor + (real - self.real_anchor) * self.speed

    def now(self) -> datetime:
        """Vigil's time now, aware, UTC."""
        return self.at(datetime.now(UTC))

    def real_seconds(self, duration: timedelta) -> float:
        """How many real seconds Vigil's `duration` takes."""
        return duration.total_seconds() / self.speed

    def sleep(self, duration: timedelta) -> None:
        """Blocks for Vigil's `duration`."""
        time.sleep(max(0.0, self.real_seconds(duration)))
