"""The readings of one quantity of one patient: in the order of the patient's own time, current versions only, exactly as far back as needed. Pure."""

from bisect import insort
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from parsers.events import ObservationStatus

WINDOW = timedelta(hours=48)
"""How far back, in the patient's own time, readings are held: the longest window any feature or score looks at."""

LONGER: Final[Mapping[str, timedelta]] = {"2160-0": timedelta(days=365)}
"""Quantities whose baseline lies further back: creatinine, the lowest of 7 days and the median of 8 to 365 (KDIGO 2012, 2.1.1; NHS England, AKI algorithm)."""

AT_MOST = 3000
"""Readings of one quantity that are held, the newest: one a minute for WINDOW. A monitor that sends every second may not fill the memory."""


class Reading(Struct, frozen=True, kw_only=True, gc=False):
    """One canonical value of one patient: a number in the unit that `parsers.codes` fixes for its code, or a coded text.

    Both values are None for a tombstone. `result_key` names what a later version replaces.
    """

    observed_at: datetime
    received_at: datetime
    value_num: float | None
    value_text: str | None = None
    status: ObservationStatus = "final"
    result_key: str | None = None

    @property
    def order(self) -> tuple[datetime, datetime, str, float, str, str]:
        """Readings are held in the order of the patient's time; the rest makes the order total."""
        return self.observed_at, self.received_at, self.result_key or "", self.value_num or 0.0, self.value_text or "", self.status

    def says_the_same_as(self, other: "Reading") -> bool:
        """A measurement that nothing names, sent once more in another message: the same time and the same value."""
        return (
            self.observed_at == other.observed_at
            and self.value_num == other.value_num
            and self.value_text == other.value_text
            and self.result_key is None
        )

    @property
    def precedence(self) -> tuple[bool, datetime, tuple[datetime, datetime, str, float, str, str]]:
        """Of two versions of one result the final beats the preliminary, then the later received beats the earlier."""
        return self.status != "preliminary", self.received_at, self.order


def put(
    readings: Mapping[str, tuple[Reading, ...]], newest: datetime | None, found: Sequence[tuple[str, Reading]]
) -> tuple[Mapping[str, tuple[Reading, ...]], datetime | None]:
    """The readings with these more, one after the other, each under its code, and the newest of all their times; the very same mapping where nothing is new."""
    changed: dict[str, tuple[Reading, ...]] | None = None
    for code, reading in found:
        present = (readings if changed is None else changed).get(code, ())
        kept = _place(present, reading)[-AT_MOST:]
        moved = newest is None or reading.observed_at > newest
        if not moved and (kept is present or kept == present):
            continue
        newest = reading.observed_at if newest is None or moved else newest
        changed = dict(readings) if changed is None else changed
        changed[code] = kept
        if moved or (kept and kept[0].observed_at <= newest - LONGER.get(code, WINDOW)):
            changed = _expire(changed, newest)  # the window moved for every code, or this reading came too late for its own
    return readings if changed is None else changed, newest


def _place(present: tuple[Reading, ...], reading: Reading) -> tuple[Reading, ...]:
    """The readings with one more; an earlier version of the same result goes, a later one stays instead."""
    key = reading.result_key
    if key is not None:
        keys = [one.result_key for one in present]
        if key in keys:
            index = keys.index(key)
            if present[index].precedence >= reading.precedence:
                return present
            present = present[:index] + present[index + 1 :]
    if not present or present[-1].observed_at < reading.observed_at:
        return (*present, reading)
    if key is None:
        for index, one in enumerate(present):
            if one.says_the_same_as(reading):
                if one.order <= reading.order:
                    return present
                present = present[:index] + present[index + 1 :]
                break
    ordered = list(present)
    insort(ordered, reading, key=lambda one: one.order)
    return tuple(ordered)


def _expire(readings: Mapping[str, tuple[Reading, ...]], newest: datetime) -> dict[str, tuple[Reading, ...]]:
    kept = {}
    usual = newest - WINDOW
    for code, held in readings.items():
        horizon = newest - LONGER[code] if code in LONGER else usual
        if held and held[0].observed_at > horizon:
            kept[code] = held
        elif current := tuple(one for one in held if one.observed_at > horizon):
            kept[code] = current
    return kept
