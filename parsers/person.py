"""What PID and PV1 say that Vigil needs: age, sex, death; visit, class, location."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from parsers.coded import components
from parsers.events import Location, Person, Visit
from parsers.fields import Delimiters, at, component, known
from parsers.times import parse_date, parse_time

_SEX = {"F": "F", "M": "M"}


def person_of(pid: Sequence[str], marks: Delimiters, zone: tzinfo) -> Person:
    """Birth date (PID-7), administrative sex (PID-8, only F and M mean anything to a score), time of death (PID-29)."""
    born = known(at(pid, 7))
    died = known(at(pid, 29))
    sex = _SEX.get((component(marks, at(pid, 8), 1) or "").upper()[:1])
    return Person(
        birth_date=parse_date(born) if born else None,
        sex="F" if sex == "F" else "M" if sex == "M" else None,
        died_at=parse_time(died, zone) if died else None,
    )


def visit_of(pv1: Sequence[str], pid: Sequence[str] | None, marks: Delimiters, zone: tzinfo, encoding: str, separator: str) -> Visit:
    """The visit: PV1-19, else PID-18 (account); class PV1-2; location PV1-3; attending PV1-7; admitted PV1-44, discharged PV1-45."""
    account = component(marks, at(pid, 18), 1) if pid is not None else None
    return Visit(
        encounter_id=component(marks, at(pv1, 19), 1) or account,
        patient_class=component(marks, at(pv1, 2), 1),
        location=location_of(at(pv1, 3), encoding, separator),
        attending=component(marks, at(pv1, 7), 1),
        admitted_at=_time(at(pv1, 44), zone),
        discharged_at=_time(at(pv1, 45), zone),
    )


def location_of(raw: str, encoding: str, separator: str) -> Location | None:
    """PL: point of care, room, bed, facility; None where nothing is said."""
    if known(raw) is None:
        return None
    unit, room, bed, facility, *_ = (*components(raw, "location", encoding, separator), None, None, None, None)
    if unit is room is bed is facility is None:
        return None
    return Location(unit=unit, room=room, bed=bed, facility=facility)


def _time(raw: str, zone: tzinfo) -> datetime | None:
    content = known(raw)
    return parse_time(content, zone) if content else None
