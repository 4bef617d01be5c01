"""What the benchmarks send: an ORU with 12 OBX, as a monitor and a laboratory together would."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import sin
from typing import Final

from streams.ward import hl7_writer as hl7
from streams.ward.hl7_writer import Identity, Stay, Value

WELL = {
    "heart_rate": 74.0, "respiratory_rate": 15.0, "spo2": 97.0, "sbp": 124.0, "dbp": 76.0, "temperature": 36.8, "oxygen_flow": 0.0,
    "creatinine": 0.9, "potassium": 4.1, "sodium": 139.0, "lactate": 1.1,
}  # fmt: skip
SICK = WELL | {"heart_rate": 128.0, "respiratory_rate": 28.0, "spo2": 90.0, "sbp": 88.0, "oxygen_flow": 6.0, "lactate": 4.4}
OBX: Final = len(WELL) + 1

STEP: Final = timedelta(minutes=30)
SPREAD: Final = 0.03
"""How far, of itself, a well patient's value strays from one half hour to the next."""


def oru(
    number: int,
    patients: int,
    tag: str,
    *,
    sick: bool = False,
    now: datetime | None = None,
    admitted_at: datetime | None = None,
    spread: float = 0.0,
) -> bytes:
    """The n-th message of a run; `tag` keeps runs apart."""
    at = (now or datetime.now(UTC)).replace(microsecond=0)
    patient = number % patients
    admitted_at = admitted_at or at - timedelta(days=1)
    stay = Stay(visit=f"{tag}V{patient}", unit=f"U{patient % 8}", room="1", bed=str(patient), admitted_at=admitted_at)
    who = Identity(mrn=f"{tag}{patient}", family="Bench", given="Mark", birth_date=admitted_at.date() - timedelta(days=25_000), sex="F")
    values = [
        Value(name=name, value=value * (1 + spread * sin(number * place)))
        for place, (name, value) in enumerate((SICK if sick else WELL).items(), 1)
    ]
    return hl7.oru(
        f"{tag}{number}", at, who, stay, f"{tag}F{number}", "85353-1^Vital signs^LN", at, [*values, Value(name="avpu", value="A")]
    )


def half_hourly(patients: int, tag: str, since: datetime, first: int, steps: int) -> Iterator[tuple[int, datetime, bytes]]:
    """The messages of so many half hours from the `first` on, each patient once in each: number, time of measurement, bytes."""
    for number in range(first * patients, (first + steps) * patients):
        at = since + STEP * (number // patients)
        yield number, at, oru(number, patients, tag, now=at, admitted_at=since, spread=SPREAD)
