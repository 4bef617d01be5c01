"""Shifts as iCalendar (RFC 5545), for the calendars people carry; by the library icalendar, recurrences by dateutil."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import Any, cast

from dateutil.rrule import rrule, rruleset, rrulestr
from icalendar import Calendar, Event
from icalendar.error import IncompleteComponent, InvalidCalendar

from alerts.people import Roster
from alerts.schedule import Duty, Shift
from alerts.schedule_csv import NotImported

PRODUCT = "-//Vigil//on-call//EN"


def written(shifts: Iterable[Shift], roster: Roster, now: datetime) -> bytes:
    """A calendar with an event a shift. The same shift has the same UID in every export, so that a calendar that reads it again moves nothing twice."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    for one in shifts:
        event, person = Event(), roster.people[one.person]
        key = f"{one.team}/{one.person}/{one.rotation}/{one.starts_at.isoformat()}"
        event.add("uid", f"{blake2b(key.encode(), digest_size=12).hexdigest()}@vigil")
        event.add("dtstamp", now)
        event.add("dtstart", one.starts_at)
        event.add("dtend", one.ends_at)
        event.add("summary", f"{person.name} on call, {roster.teams[one.team].name or one.team}")
        event.add("x-vigil-team", one.team)
        event.add("x-vigil-person", one.person)
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def read(content: bytes, roster: Roster, source: str, team: str | None, since: datetime, until: datetime) -> tuple[Duty, ...]:
    """The duties of a calendar that touch [since, until), recurrences unfolded. `team`: whose they are where an event does not say.

    Who is on call: our own X-VIGIL-PERSON, an attendee whose address is a contact, or the one person whose name the summary holds.
    Times without a zone, and whole days, are the team's. Raises NotImported, naming the event, where one cannot be read; none is passed over in silence.
    """
    try:
        every: list[Any] = Calendar.from_ical(content).walk("VEVENT")
    except (ValueError, IndexError, AttributeError) as error:
        raise NotImported("this is no iCalendar file\nexport it again as .ics") from error
    events = [event for event in every if str(event.get("STATUS", "")) != "CANCELLED"]
    moved = {
        (str(event.get("UID")), _utc(event["RECURRENCE-ID"].dt, roster, _team(event, roster, team)))
        for event in every
        if "RECURRENCE-ID" in event
    }
    found = [duty for event in events for duty in _duties(event, roster, source, team, moved, (since, until))]
    return tuple(sorted(found, key=lambda one: (one.starts_at, one.team, one.person or "")))


def _duties(
    event: Any, roster: Roster, source: str, team: str | None, moved: set[tuple[str, datetime]], window: tuple[datetime, datetime]
) -> Iterator[Duty]:
    whose = _team(event, roster, team)
    person = _person(event, roster)
    try:
        starts_at, _ = _utc(event.start, roster, whose), event.end
    except (InvalidCalendar, IncompleteComponent) as error:
        raise NotImported(f"event {_name(event)} has no start or no end\ncorrect it") from error
    begins = [starts_at] if "RRULE" not in event and "RDATE" not in event else _unfolded(event, roster, whose, window)
    for begin in begins:
        if "RECURRENCE-ID" not in event and (str(event.get("UID")), begin) in moved:
            continue
        end = _end(event, begin, roster, whose)
        if begin < end and end > window[0] and begin < window[1]:
            yield Duty(duty_id="", team=whose, person=person, instead_of=None, starts_at=begin, ends_at=end, source=source)


def _unfolded(event: Any, roster: Roster, team: str, window: tuple[datetime, datetime]) -> list[datetime]:
    """Where each recurrence begins: reckoned by the wall clock of the event's own zone, as RFC 5545 has it."""
    first = _aware(event.start, roster, team)
    every = rruleset()
    if "RRULE" in event:
        rule = event["RRULE"]
        if "UNTIL" in rule:  # dateutil wants it in UTC
            rule = type(rule)(rule | {"UNTIL": [_utc(one, roster, team) for one in rule["UNTIL"]]})
        every.rrule(cast(rrule, rrulestr(rule.to_ical().decode(), dtstart=first)))
    else:
        every.rdate(first)
    for name, put in (("RDATE", every.rdate), ("EXDATE", every.exdate)):
        for dates in _list(event.get(name)):
            for one in dates.dts:
                put(_aware(one.dt, roster, team))
    length = event.end - event.start
    return [one.astimezone(UTC) for one in every.between(window[0] - length - timedelta(days=1), window[1], inc=True)]


def _end(event: Any, begin: datetime, roster: Roster, team: str) -> datetime:
    """When a recurrence ends. A duration in hours is exact; days, and an end, keep to the wall clock, even in the night in which the clocks change.

    Source: RFC 5545, 3.3.6 and 3.8.5.3.
    """
    if "DURATION" in event and event["DURATION"].dt % timedelta(days=1):
        return begin + cast(timedelta, event["DURATION"].dt)
    first = _aware(event.start, roster, team)
    here = begin.astimezone(first.tzinfo).replace(tzinfo=None)
    length = _aware(event.end, roster, team).replace(tzinfo=None) - first.replace(tzinfo=None)
    return (here + length).replace(tzinfo=first.tzinfo).astimezone(UTC)


def _person(event: Any, roster: Roster) -> str:
    named = str(event.get("X-VIGIL-PERSON", ""))
    if named in roster.people:
        return named
    addresses = {str(one).lower().removeprefix("mailto:") for one in _list(event.get("ATTENDEE"))}
    by_address = {key for key, one in roster.people.items() for way in one.contacts if way.target.lower() in addresses}
    summary = str(event.get("SUMMARY", "")).casefold()
    by_name = {key for key, one in roster.people.items() if one.name.casefold() in summary or key.casefold() == summary.strip()}
    found = by_address or by_name
    if len(found) != 1:
        raise NotImported(
            f"event {_name(event)} names nobody of the on-call file, or several\nwrite one name into its summary, as in [people]"
        )
    return found.pop()


def _team(event: Any, roster: Roster, team: str | None) -> str:
    named = str(event.get("X-VIGIL-TEAM", "")) or team or ""
    if named not in roster.teams:
        raise NotImported(f"event {_name(event)} is of no known team\nsay which with --team")
    return named


def _aware(at: date | datetime, roster: Roster, team: str) -> datetime:
    whole = at if isinstance(at, datetime) else datetime.combine(at, time(0))
    return whole if whole.tzinfo is not None else whole.replace(tzinfo=roster.zone(team))


def _utc(at: date | datetime, roster: Roster, team: str) -> datetime:
    return _aware(at, roster, team).astimezone(UTC)


def _name(event: Mapping[str, Any]) -> str:
    return str(event.get("UID", "without UID"))[:80]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
