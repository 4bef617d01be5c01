"""What is done for a patient in a bed: rounds of observations, blood tests and their results, notes; some late, some corrected."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from streams.ward import hl7_writer as hl7
from streams.ward.hl7_writer import Value
from streams.ward.people import Patient
from streams.ward.physiology import Course
from streams.ward.schedule import Schedule

LATE: Final = 0.04
"""Rounds that are charted hours after they were done."""
DELAYED: Final = 0.01
"""Results that an interface engine holds up for minutes, so that they arrive out of order."""
CORRECTED: Final = 0.02
"""Results with one number charted wrong and put right afterwards."""
PRELIMINARY: Final = 0.08
SLIP: Final = 0.08
"""How far, as a share, a number charted wrong is from the true one."""

MEASURED: Final = ("heart_rate", "respiratory_rate", "spo2", "sbp", "dbp", "temperature")
CORRECTIBLE: Final = frozenset({"heart_rate", "sbp", "dbp", "potassium", "glucose", "hemoglobin"})
LABS: Final = (
    "creatinine", "potassium", "sodium", "bun", "glucose", "wbc", "hemoglobin", "platelets", "bilirubin_total", "crp", "lactate",
)  # fmt: skip
FIRST_READY: Final = 5
"""The first so many of LABS come from the analyser before the others, where a preliminary result is sent."""

VITAL_SIGNS: Final = "85353-1^Vital signs^LN"
BLOODS: Final = "24323-8^Metabolic panel^LN"
CHEST_X_RAY: Final = "36643-5^Chest X-ray^LN"

UNWELL: Final = 0.12
ILL: Final = 0.45
PAUSE_H: Final = ((UNWELL, 4.0), (ILL, 1.0), (float("inf"), 0.5))
"""Hours between rounds by how ill the patient is: the steps of NEWS2's monitoring (RCP 2017, chart 4), read off the body rather than a score."""

WELL: Final = (
    "Comfortable, eating and drinking. Plan unchanged.",
    "Mobilised with help. Pain controlled & sleeping well.",
    "Reviewed on the round: continue, bloods tomorrow.",
    "Family visited. Awaiting placement, medically fit.",
)
WORSE: Final[Mapping[Course, str]] = {
    "sepsis": "Shivering, hot to touch, says he feels dreadful. Cultures taken. Observations hourly.",
    "haemorrhage": "Pale and clammy, dizzy on sitting up. Dark stool seen. Group & save sent.",
    "respiratory": "Breathless at rest, cannot finish sentences. Oxygen increased. Chest film asked for.",
    "aki": "Passing very little urine since the morning. Fluid balance chart started.",
    "recovering": "Still tired, oxygen weaned as tolerated.",
}


def observe(schedule: Schedule, patient: Patient, at: datetime) -> None:
    """One full set of vital signs, true at `at`; the message follows in seconds, now and then hours late."""
    random = schedule.random
    late = random.random() < LATE
    delay = timedelta(minutes=random.uniform(90, 300)) if late else timedelta(seconds=random.uniform(2, 40))
    chart(schedule, patient, at, at + delay)


def chart(schedule: Schedule, patient: Patient, observed_at: datetime, at: datetime) -> None:
    """A full set of vital signs, true at `observed_at`, sent at `at`."""
    hour, body = schedule.hour(observed_at), patient.body
    measured = {name: body.value(name, hour) for name in MEASURED}
    mean = measured["dbp"] + (measured["sbp"] - measured["dbp"]) / 3.0
    values = [Value(name=name, value=value) for name, value in {**measured, "map": mean, "oxygen_flow": body.oxygen_flow(hour)}.items()]
    values.append(Value(name="avpu", value=body.consciousness(hour)))
    report(schedule, patient, patient.number_of("O"), VITAL_SIGNS, observed_at, at, values)


def report(
    schedule: Schedule, patient: Patient, filler: str, service: str, observed_at: datetime, at: datetime, values: Sequence[Value]
) -> None:
    """A result message, and the correction of one of its numbers where it was charted wrong."""
    random = schedule.random
    slips = [number for number, one in enumerate(values) if one.name in CORRECTIBLE]
    if slips and random.random() < CORRECTED:
        slip = random.choice(slips)
        right = values[slip]
        wrong = replace(right, value=float(right.value) * (1.0 + random.choice((-SLIP, SLIP))))
        values = [*values[:slip], wrong, *values[slip + 1 :]]
        again = at + timedelta(minutes=random.uniform(5, 40))
        corrected = replace(right, status="C", comment="Corrected: charted wrong before")
        _send(schedule, patient, filler, service, observed_at, again, [corrected])
    _send(schedule, patient, filler, service, observed_at, at, values)


def _send(
    schedule: Schedule, patient: Patient, filler: str, service: str, observed_at: datetime, at: datetime, values: Sequence[Value]
) -> None:
    raw = hl7.oru(schedule.control(), at, patient.who, patient.stay, filler, service, observed_at, values)
    held_up = schedule.random.random() < DELAYED
    schedule.emit(at + timedelta(seconds=schedule.random.uniform(60, 600)) if held_up else at, raw)


def rounds(schedule: Schedule, patient: Patient, at: datetime) -> None:
    """A round and the next: 4-hourly for the well, hourly and half-hourly for the unwell, a little early or late as nurses are."""
    if patient.left:
        return
    observe(schedule, patient, at)
    severity = patient.body.severity(schedule.hour(at))
    pause_h = next(hours for below, hours in PAUSE_H if severity < below)
    schedule.plan(at + timedelta(hours=pause_h * schedule.random.uniform(0.85, 1.15)), lambda then: rounds(schedule, patient, then))


def bloods(schedule: Schedule, patient: Patient, at: datetime) -> None:
    """An order, the sample, the result an hour or two later, sometimes preliminary first; daily, or 4-hourly for the ill."""
    if patient.left:
        return
    random = schedule.random
    urgent = patient.body.severity(schedule.hour(at)) > ILL
    filler, priority = patient.number_of("L"), "S" if urgent else "R"
    schedule.emit(at, hl7.order(schedule.control(), at, patient.who, patient.stay, f"P{filler}", BLOODS, priority, lab=True))
    drawn = at + timedelta(minutes=random.uniform(5, 20))
    values = [Value(name=name, value=patient.body.value(name, schedule.hour(drawn))) for name in LABS]
    ready = drawn + timedelta(minutes=random.uniform(25, 50) if urgent else random.uniform(50, 130))
    if random.random() < PRELIMINARY:
        early = [replace(one, status="P") for one in values[:FIRST_READY]]
        _send(schedule, patient, filler, BLOODS, drawn, ready - timedelta(minutes=15), early)
    report(schedule, patient, filler, BLOODS, drawn, ready, values)
    pause_h = (4.0 if urgent else 22.0) * random.uniform(0.9, 1.1)
    schedule.plan(at + timedelta(hours=pause_h), lambda then: bloods(schedule, patient, then))


def notes(schedule: Schedule, patient: Patient, at: datetime) -> None:
    """A nursing note a shift; for one who looks ill, what is wrong, and an X-ray where breathing is the trouble."""
    if patient.left:
        return
    worse = patient.body.severity(schedule.hour(at)) > ILL
    text = WORSE[patient.body.course] if worse else schedule.random.choice(WELL)
    number = patient.number_of("N")
    schedule.emit(at, hl7.note(schedule.control(), at, patient.who, patient.stay, number, "PN", text))
    if worse and patient.body.course in ("respiratory", "sepsis"):
        schedule.emit(at, hl7.order(schedule.control(), at, patient.who, patient.stay, f"X{number}", CHEST_X_RAY, "S", lab=False))
    schedule.plan(at + timedelta(hours=schedule.random.uniform(6, 12)), lambda then: notes(schedule, patient, then))
