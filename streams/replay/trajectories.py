"""Real trajectories as the HL7 their hospital would have sent: admitted, measured hour by hour, discharged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b

from streams.ward import hl7_writer as hl7
from streams.ward.hl7_writer import Identity, Stay, Value
from streams.ward.schedule import Sent

VITAL = frozenset({"heart_rate", "respiratory_rate", "spo2", "sbp", "dbp", "map", "temperature", "etco2", "fio2"})
REPORTED = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One stay: hours from its beginning with what was measured in each. `age_years` and `sex` where the source has them."""

    source: str
    stay_id: str
    unit: str
    age_years: float | None
    sex: str
    hours: Sequence[tuple[float, Mapping[str, float]]]


def messages(course: Course, start: datetime) -> Iterator[Sent]:
    """The stay's messages, beginning at `start`; vital signs and labs of an hour in a message each."""
    number = int.from_bytes(blake2b(f"{course.source}/{course.stay_id}".encode(), digest_size=4).digest())
    born: date | None = None if course.age_years is None else (start - timedelta(days=course.age_years * 365.25)).date()
    who = Identity(mrn=f"{course.source}-{course.stay_id}", family="Replayed", given=course.source, birth_date=born, sex=course.sex)
    stay = Stay(visit=f"{course.source}V{course.stay_id}", unit=course.unit, room="1", bed=str(number % 40 + 1), admitted_at=start)
    prefix = f"R{number:08x}{start:%m%d%H%M}"
    yield Sent(start, hl7.adt("A01", f"{prefix}-A", start, who, stay))
    last = start
    for hour, values in course.hours:
        at = start + timedelta(hours=hour)
        for kind, service in (("V", "85353-1^Vital signs^LN"), ("L", "24323-8^Metabolic panel^LN")):
            chosen = [Value(name=name, value=value) for name, value in values.items() if (name in VITAL) == (kind == "V")]
            if chosen:
                filler = f"{prefix}-{kind}{hour:g}"
                yield Sent(at + REPORTED, hl7.oru(filler, at + REPORTED, who, stay, filler, service, at, chosen))
        last = at + REPORTED
    left = last + timedelta(minutes=30)
    yield Sent(left, hl7.adt("A03", f"{prefix}-Z", left, who, stay))
