"""Real trajectories as the HL7 their hospital would have sent: admitted, measured, treated, written about, discharged."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from parsers.codes import BEDSIDE
from streams.replay.events import at_hour, born, number, prefix
from streams.replay.facts import KNOWN, Asked, Assessed, Course, Drug, Fact, Measured, Told
from streams.ward import hl7_writer as hl7
from streams.ward.hl7_writer import Identity, Stay
from streams.ward.schedule import Sent

VITAL = BEDSIDE
REPORTED = timedelta(seconds=30)
"""Between a result's being known and the end of the stay at the earliest."""
BEDS = 40


def messages(course: Course, start: datetime) -> Iterator[Sent]:
    """The stay's messages, beginning at `start`: one a fact, sent when it became known; admission and discharge around them."""
    bed = int.from_bytes(prefix(course, start).encode()) % BEDS + 1
    who = Identity(
        mrn=f"{course.source}-{course.stay_id}", family="Replayed", given=course.source, birth_date=born(course, start), sex=course.sex
    )
    stay = Stay(
        visit=f"{course.source}V{course.stay_id}", unit=course.unit, room="1", bed=str(bed), admitted_at=at_hour(start, course.admitted_h)
    )
    first = prefix(course, start)
    yield Sent(start, hl7.adt("A01", f"{first}-A", start, who, stay))
    last = start
    for place, fact in enumerate(course.facts):
        last = max(last, at_hour(start, fact.known_h))
        yield Sent(last, _message(fact, last, at_hour(start, fact.true_h), number(course, start, place), who, stay))
    left = max(last + REPORTED, last if course.left_h is None else at_hour(start, course.left_h))
    yield Sent(left, hl7.adt("A03", f"{first}-Z", left, who, stay))


def _message(fact: Fact, sent_at: datetime, at: datetime, known_by: str, who: Identity, stay: Stay) -> bytes:
    kind, lines = _segments(fact, at, known_by, sent_at)
    return hl7.message(kind, known_by, sent_at, [hl7.pid(who), hl7.pv1(stay), *lines])


def _segments(fact: Fact, at: datetime, known_by: str, sent_at: datetime) -> tuple[str, list[str]]:
    """The message type (MSH-9), and what follows PID and PV1."""
    match fact:
        case Measured():
            vital = not fact.values.keys() - VITAL
            service = "85353-1^Vital signs^LN" if vital else "24323-8^Metabolic panel^LN"
            rows = [_measured(place, name, value, at, fact) for place, (name, value) in enumerate(fact.values.items(), 1)]
            return "ORU^R01^ORU_R01", [_obr(known_by, service, at, sent_at), *rows]
        case Assessed():
            label = hl7.escape(fact.label)
            row = f"OBX|1|ST|{label}^{label}^L||{hl7.escape(fact.value)}||||||{'X' if fact.refused else 'F'}|||{hl7.stamp(at)}"
            return "ORU^R01^ORU_R01", [_obr(known_by, "NURSE^Assessment^L", at, sent_at), row]
        case Drug(action="given"):
            return "RAS^O17^RAS_O17", [f"ORC|RE|{known_by}", _rxa(fact, at)]
        case Drug():
            name, dose = hl7.escape(fact.name), "" if fact.dose_num is None else _digits(fact.dose_num)
            return "RDE^O11^RDE_O11", [
                f"ORC|NW|{known_by}|||||||{hl7.stamp(at)}",
                f"TQ1|1||||||{hl7.stamp(at)}",
                f"RXE||{name}^{name}^L|{dose}||{fact.dose_unit or ''}",
            ]
        case Asked():
            name = hl7.escape(fact.name)
            return "ORM^O01^ORM_O01", [f"ORC|NW|{known_by}|||||||{hl7.stamp(at)}", f"OBR|1|{known_by}||{name}^{name}^L"]
        case Told():
            txa = f"TXA|1|{hl7.escape(fact.kind)}|TX|{hl7.stamp(at)}||{hl7.stamp(at)}||||||{known_by}|||||AU"
            rows = [f"OBX|{place}|TX|||{hl7.escape(line)}||||||F" for place, line in enumerate(fact.text.splitlines(), 1)]
            return "MDM^T02^MDM_T02", [txa, *rows]


def _obr(known_by: str, service: str, at: datetime, sent_at: datetime) -> str:
    return f"OBR|1|P{known_by}|{known_by}|{service}|||{hl7.stamp(at)}{'|' * 15}{hl7.stamp(sent_at)}|||F"


def _measured(place: int, name: str, value: float | str, at: datetime, fact: Measured) -> str:
    """What the source refuses itself goes as a result that could not be had (X); what is impossible goes as it is, and the reader refuses it."""
    known = KNOWN[name]
    kind, text = ("ST", hl7.escape(value)) if isinstance(value, str) else ("NM", _digits(value))
    status = "X" if name in fact.refused else "F"
    label = name.replace("_", " ").capitalize()
    return f"OBX|{place}|{kind}|{known.code}^{label}^LN||{text}|{known.unit}|||||{status}|||{hl7.stamp(at)}"


def _rxa(fact: Drug, at: datetime) -> str:
    name, when = hl7.escape(fact.name), hl7.stamp(at)
    dose = "999" if fact.dose_num is None else _digits(fact.dose_num)
    return f"RXA|0|1|{when}|{when}|{name}^{name}^L|{dose}|{hl7.escape(fact.dose_unit or '')}"


def _digits(value: float) -> str:
    """Every digit of a number, without an exponent: what is read again is the same number.

    >>> _digits(36.605555555555554), _digits(1e-05), _digits(80.0)
    ('36.605555555555554', '0.00001', '80')
    """
    return format(Decimal(repr(int(value) if value.is_integer() else value)), "f")
