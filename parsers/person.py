"""What PID and PV1 say that Vigil needs: age, sex, death; visit, class, location."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from parsers.coded import components
from parsers.events import Location, Person, Visit
from parsers.fields import Delimiters, at, component, known
from parsers.profile import PLAIN, Profile
from parsers.times import parse_date, parse_time

_PLACES = {"PV1-19": ("PV1", 19), "PV1-50": ("PV1", 50), "PID-18": ("PID", 18)}


def person_of(pid: Sequence[str], zone: tzinfo) -> Person:
    """Birth date (PID-7), administrative sex (PID-8, only F and M mean anything to a score), death (PID-30) and its time (PID-29)."""
    born = known(at(pid, 7))
    died = known(at(pid, 29))
    sex = at(pid, 8).strip()[:1].upper()
    dead = at(pid, 30).strip().upper()
    return Person(
        birth_date=parse_date(born) if born else None,
        sex="F" if sex == "F" else "M" if sex == "M" else None,
        died_at=parse_time(died, zone) if died else None,
        dead=True if dead == "Y" else False if dead == "N" else None,
    )


def visit_of(
    pv1: Sequence[str], pid: Sequence[str] | None, marks: Delimiters, zone: tzinfo, encoding: str, separator: str, profile: Profile = PLAIN
) -> Visit:
    """The visit: its number as the profile says; class PV1-2; locations PV1-3, 6 and 11; attending PV1-7; admitted PV1-44, discharged PV1-45."""
    return Visit(
        encounter_id=_number(pv1, pid, marks, profile),
        patient_class=component(marks, at(pv1, 2), 1),
        location=location_of(at(pv1, 3), encoding, separator),
        previous_location=location_of(at(pv1, 6), encoding, separator),
        temporary_location=location_of(at(pv1, 11), encoding, separator),
        attending=component(marks, at(pv1, 7), 1),
        admitted_at=_time(at(pv1, 44), zone),
        discharged_at=_time(at(pv1, 45), zone),
        disposition=component(marks, at(pv1, 36), 1),
    )


def _number(pv1: Sequence[str], pid: Sequence[str] | None, marks: Delimiters, profile: Profile) -> str | None:
    for place in profile.encounter_number:
        name, field = _PLACES[place]
        segment = pv1 if name == "PV1" else pid
        number = component(marks, at(segment, field), 1) if segment is not None else None
        if number is not None:
            return number
    return None


def location_of(raw: str, encoding: str, separator: str) -> Location | None:
    """PL: point of care, room, bed, facility; None where nothing is said."""
    if not raw or known(raw) is None:
        return None
    unit, room, bed, facility, *_ = (*components(raw, "location", encoding, separator), None, None, None, None)
    if unit is room is bed is facility is None:
        return None
    return Location(unit=unit, room=room, bed=bed, facility=facility)


def _time(raw: str, zone: tzinfo) -> datetime | None:
    content = known(raw) if raw else None
    return parse_time(content, zone) if content else None
