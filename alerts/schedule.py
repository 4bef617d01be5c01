"""Who is on call when: rotations by the wall clock of their time zone, over which swaps and imported shifts are laid. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from alerts.people import WEEKDAYS, Roster, Rotation

DAY = timedelta(days=1)


class Shift(Struct, frozen=True, kw_only=True):
    """Somebody on call for a team from an instant up to another, which is the first that is no longer his. `rotation`: what put him there."""

    team: str
    person: str
    starts_at: datetime
    ends_at: datetime
    rotation: str = ""


class Duty(Struct, frozen=True, kw_only=True):
    """What was agreed beside the rotations. `person` alone: one more on call; with `instead_of`: in another's place; `instead_of` alone: that one is off."""

    duty_id: str
    team: str
    person: str | None
    instead_of: str | None
    starts_at: datetime
    ends_at: datetime
    source: str = ""


class Gap(Struct, frozen=True, kw_only=True):
    """Nobody is on call for a team that must be covered."""

    team: str
    starts_at: datetime
    ends_at: datetime


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock time, UTC. A time that the clocks skip counts as before the change, one they show twice is the first of the two.

    >>> london = ZoneInfo("Europe/London")
    >>> [instant(day, time(1, 30), london).isoformat() for day in (date(2026, 3, 29), date(2026, 10, 25))]
    ['2026-03-29T01:30:00+00:00', '2026-10-25T00:30:00+00:00']
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def shifts(roster: Roster, duties: Iterable[Duty], team: str, since: datetime, until: datetime) -> tuple[Shift, ...]:
    """All shifts of a team that touch [since, until), in order of time; one person's that follow upon each other are one.

    `duties`: in the order in which they were agreed, so that a swap of a swap holds; those of other teams are passed over.
    """
    found = [shift for rotation in roster.teams[team].rotations for shift in _rotation(roster, team, rotation, since, until)]
    for duty in duties:
        if duty.team == team and duty.starts_at < until and duty.ends_at > since:
            found = list(_with(found, duty))
    known = [one for one in found if one.person in roster.people]  # whoever has left the file since a duty was agreed is nobody
    return tuple(sorted(_joined(known), key=lambda one: (one.starts_at, one.rotation, one.person)))


def on_call(roster: Roster, duties: Iterable[Duty], team: str, at: datetime) -> tuple[str, ...]:
    """The people on call at an instant, each once."""
    here = shifts(roster, duties, team, at, at + timedelta(microseconds=1))
    return tuple(dict.fromkeys(one.person for one in here if one.starts_at <= at < one.ends_at))


def gaps(roster: Roster, duties: Sequence[Duty], team: str, since: datetime, until: datetime) -> tuple[Gap, ...]:
    """When within [since, until) nobody is on call for a team that must always be covered."""
    if roster.teams[team].cover != "always":
        return ()
    found, covered = list[Gap](), since
    for shift in shifts(roster, duties, team, since, until):
        if shift.starts_at > covered:
            found.append(Gap(team=team, starts_at=covered, ends_at=min(shift.starts_at, until)))
        covered = max(covered, shift.ends_at)
    if covered < until:
        found.append(Gap(team=team, starts_at=covered, ends_at=until))
    return tuple(found)


def _rotation(roster: Roster, team: str, rotation: Rotation, since: datetime, until: datetime) -> Iterator[Shift]:
    """A shift a day. It begins two days early: a shift may last 24 hours and zones lie up to 14 from UTC."""
    zone = roster.zone(team)
    holidays = frozenset(roster.holidays)
    day = max(since.astimezone(zone).date() - 2 * DAY, rotation.first_day)
    last = min(until.astimezone(zone).date(), rotation.last_day or date.max)
    while day <= last:
        if _works(rotation, day, holidays):
            starts_at = instant(day, rotation.starts, zone)
            ends_at = instant(day if rotation.ends > rotation.starts else day + DAY, rotation.ends, zone)
            if starts_at < ends_at and starts_at < until and ends_at > since:
                turn = (day - rotation.first_day).days // rotation.turn_days % len(rotation.people)
                yield Shift(team=team, person=rotation.people[turn], starts_at=starts_at, ends_at=ends_at, rotation=rotation.name)
        day += DAY


def _works(rotation: Rotation, day: date, holidays: frozenset[date]) -> bool:
    if rotation.holidays == "only":
        return day in holidays
    return WEEKDAYS[day.weekday()] in rotation.weekdays and not (rotation.holidays == "off" and day in holidays)


def _with(found: Iterable[Shift], duty: Duty) -> Iterator[Shift]:
    """The shifts once a duty is laid over them."""
    if duty.instead_of is None:
        yield from found
        if duty.person is not None:
            yield Shift(team=duty.team, person=duty.person, starts_at=duty.starts_at, ends_at=duty.ends_at, rotation=duty.source)
        return
    for shift in found:
        starts_at, ends_at = max(shift.starts_at, duty.starts_at), min(shift.ends_at, duty.ends_at)
        if shift.person != duty.instead_of or starts_at >= ends_at:
            yield shift
            continue
        if shift.starts_at < starts_at:
            yield replace(shift, ends_at=starts_at)
        if duty.person is not None:
            yield replace(shift, person=duty.person, starts_at=starts_at, ends_at=ends_at)
        if ends_at < shift.ends_at:
            yield replace(shift, starts_at=ends_at)


def _joined(found: Sequence[Shift]) -> Iterator[Shift]:
    last: Shift | None = None
    for shift in sorted(found, key=lambda one: (one.rotation, one.person, one.starts_at)):
        if last is not None and (last.rotation, last.person) == (shift.rotation, shift.person) and shift.starts_at <= last.ends_at:
            last = replace(last, ends_at=max(last.ends_at, shift.ends_at))
            continue
        if last is not None:
            yield last
        last = shift
    if last is not None:
        yield last
