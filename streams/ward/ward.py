"""The ward's day as messages in the order of their sending: who comes and goes, what is measured, what is late, wrong, or sent twice. Pure, seeded."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Final

from streams.ward import hl7_writer as hl7
from streams.ward.hl7_writer import Stay, Value
from streams.ward.people import Patient, bed_of, body, person, urgent_body
from streams.ward.physiology import Body

DUPLICATE: Final = 0.01
LATE: Final = 0.04
CORRECTED: Final = 0.015
PRELIMINARY: Final = 0.08
CANCELLED: Final = 0.02

VITALS: Final = ("heart_rate", "respiratory_rate", "spo2", "sbp", "dbp", "temperature")
LABS: Final = (
    "creatinine", "potassium", "sodium", "bun", "glucose", "wbc", "hemoglobin", "platelets", "bilirubin_total", "crp", "lactate",
)  # fmt: skip
SERVICE_VITALS: Final = "85353-1^Vital signs^LN"
SERVICE_LABS: Final = "24323-8^Metabolic panel^LN"
URGENT: Final = 2
"""How many patients are falling ill when the simulation begins."""

NOTES: Final = (
    "Comfortable, eating and drinking. Plan unchanged.",
    "Mobilised with help. Pain controlled & sleeping well.",
    "Reviewed on the round: continue, bloods tomorrow.",
)
WORSE: Final = "Looks unwell, asked the doctor to review. Observations hourly."


@dataclass(frozen=True, slots=True)
class Sent:
    """One message and when it leaves the hospital's systems."""

    at: datetime
    raw: bytes


Act = Callable[[datetime], None]


class Ward:
    """Schedules acts on a heap of times; each act emits messages and schedules the next. One `Random`, so one seed is one ward."""

    def __init__(self, seed: int, beds: int, start: datetime) -> None:
        self._random, self._beds, self._start = Random(seed), beds, start.replace(microsecond=0)
        self._order, self._people, self._controls = count(), count(1), count(1)
        self._acts: list[tuple[datetime, int, Act]] = []
        self._outbox: list[tuple[datetime, int, bytes]] = []
        self._prefix = f"S{seed}-"
        for number in range(beds):
            self._populate(number)

    def messages(self) -> Iterator[Sent]:
        """For ever, in the order of sending."""
        while self._acts:
            at, _, act = heapq.heappop(self._acts)
            act(at)
            horizon = self._acts[0][0] if self._acts else at
            while self._outbox and self._outbox[0][0] <= horizon:
                sent_at, _, raw = heapq.heappop(self._outbox)
                yield Sent(sent_at, raw)

    def _hour(self, at: datetime) -> float:
        return (at - self._start).total_seconds() / 3600.0

    def _plan(self, at: datetime, act: Act) -> None:
        heapq.heappush(self._acts, (at, next(self._order), act))

    def _emit(self, at: datetime, raw: bytes) -> None:
        heapq.heappush(self._outbox, (at, next(self._order), raw))
        if self._random.random() < DUPLICATE:
            heapq.heappush(self._outbox, (at + timedelta(seconds=self._random.uniform(1, 90)), next(self._order), raw))

    def _control(self) -> str:
        return f"{self._prefix}{next(self._controls):07d}"

    def _populate(self, number: int) -> None:
        """A patient who was there before: admitted in the last days, with the last observations sent as the simulation begins."""
        random = self._random
        admitted = self._start - timedelta(hours=random.uniform(6, 90))
        urgent = number % max(1, self._beds // URGENT) == 1 and number // max(1, self._beds // URGENT) < URGENT
        form = urgent_body(random, 0.0, number // max(1, self._beds // URGENT)) if urgent else body(random, 0.0, first=True)
        patient = self._patient(number, admitted.replace(microsecond=0), form)
        offset = timedelta(seconds=random.uniform(0, 60))
        self._plan(self._start + offset, lambda at: self._emit(at, self._adt("A01", at, patient)))
        self._plan(
            self._start + offset + timedelta(seconds=20),
            lambda at: self._observe(patient, at, observed_at=at - timedelta(minutes=random.uniform(2, 30))),
        )
        self._plan(self._start + timedelta(minutes=random.uniform(3, 25)), lambda at: self._round(patient, at))
        self._plan(self._start + timedelta(hours=random.uniform(0.1, 6)), lambda at: self._bloods(patient, at))
        self._plan(self._start + timedelta(hours=random.uniform(0.5, 10)), lambda at: self._write_note(patient, at))

    def _patient(self, number: int, admitted_at: datetime, form: Body) -> Patient:
        index = next(self._people)
        unit, room, bed = bed_of(number, self._beds)
        stay = Stay(visit=f"{self._prefix}V{index:05d}", unit=unit, room=room, bed=bed, admitted_at=admitted_at)
        who = person(self._random, index, self._start)
        leaves_h = self._hour(admitted_at) + self._random.uniform(30, 160)
        patient = Patient(who=who, stay=stay, body=form, leaves_h=max(leaves_h, self._random.uniform(4, 30)))
        self._plan(self._start + timedelta(hours=patient.leaves_h), lambda at: self._leave(patient, number, at))
        return patient

    def _adt(self, trigger: str, at: datetime, patient: Patient, discharged_at: datetime | None = None) -> bytes:
        event_at = patient.stay.admitted_at if trigger == "A01" else at
        raw = hl7.adt(trigger, self._control(), at, patient.who, patient.stay, discharged_at)
        return raw.replace(f"EVN|A01|{hl7.stamp(at)}".encode(), f"EVN|A01|{hl7.stamp(event_at)}".encode(), 1)

    def _gone(self, patient: Patient, at: datetime) -> bool:
        return self._hour(at) >= patient.leaves_h

    def _round(self, patient: Patient, at: datetime) -> None:
        """A round of observations, and the next: 4-hourly for the well, hourly and half-hourly for the unwell, a little early or late as nurses are."""
        if self._gone(patient, at):
            return
        severity = patient.body.severity(self._hour(at))
        self._observe(patient, at, observed_at=at)
        pause_h = 4.0 if severity < 0.12 else 1.0 if severity < 0.45 else 0.5
        self._plan(at + timedelta(hours=pause_h * self._random.uniform(0.85, 1.15)), lambda then: self._round(patient, then))

    def _observe(self, patient: Patient, at: datetime, observed_at: datetime) -> None:
        hour, form = self._hour(observed_at), patient.body
        values = [Value(name=name, value=form.value(name, hour)) for name in VITALS]
        values += [Value(name="oxygen_flow", value=form.oxygen_flow(hour)), Value(name="avpu", value=form.consciousness(hour))]
        patient.sequence += 1
        filler = f"{patient.stay.visit}-O{patient.sequence}"
        late = self._random.random() < LATE
        sent_at = at + (timedelta(minutes=self._random.uniform(90, 300)) if late else timedelta(seconds=self._random.uniform(2, 40)))
        self._emit(sent_at, hl7.oru(self._control(), sent_at, patient.who, patient.stay, filler, SERVICE_VITALS, observed_at, values))
        if self._random.random() < CORRECTED:
            self._correct(patient, filler, SERVICE_VITALS, observed_at, sent_at, values[3])

    def _correct(self, patient: Patient, filler: str, service: str, observed_at: datetime, sent_at: datetime, wrong: Value) -> None:
        """The same result again, put right: the new number under the same order and code."""
        right = Value(
            name=wrong.name,
            value=float(wrong.value) + self._random.choice([-8, 8]) if wrong.name == "sbp" else wrong.value,
            status="C",
            comment="Corrected",
        )
        again = sent_at + timedelta(minutes=self._random.uniform(5, 40))
        self._emit(again, hl7.oru(self._control(), again, patient.who, patient.stay, filler, service, observed_at, [right]))

    def _bloods(self, patient: Patient, at: datetime) -> None:
        """An order, the sample, the result an hour or two later, sometimes preliminary first; daily, or 4-hourly for the unwell."""
        if self._gone(patient, at):
            return
        severity = patient.body.severity(self._hour(at))
        patient.sequence += 1
        filler = f"{patient.stay.visit}-L{patient.sequence}"
        priority = "S" if severity > 0.3 else "R"
        self._emit(at, hl7.order(self._control(), at, patient.who, patient.stay, f"P{filler}", SERVICE_LABS, priority, lab=True))
        drawn = at + timedelta(minutes=self._random.uniform(5, 20))
        values = [Value(name=name, value=patient.body.value(name, self._hour(drawn))) for name in LABS]
        ready = drawn + timedelta(minutes=self._random.uniform(25, 50) if priority == "S" else self._random.uniform(50, 130))
        if self._random.random() < PRELIMINARY:
            early = [Value(name=one.name, value=one.value, status="P") for one in values[:5]]
            before = ready - timedelta(minutes=15)
            self._emit(before, hl7.oru(self._control(), before, patient.who, patient.stay, filler, SERVICE_LABS, drawn, early))
        self._emit(ready, hl7.oru(self._control(), ready, patient.who, patient.stay, filler, SERVICE_LABS, drawn, values))
        if self._random.random() < CORRECTED:
            self._correct(patient, filler, SERVICE_LABS, drawn, ready, values[1])
        self._plan(
            at + timedelta(hours=(4.0 if severity > 0.3 else 22.0) * self._random.uniform(0.9, 1.1)),
            lambda then: self._bloods(patient, then),
        )

    def _write_note(self, patient: Patient, at: datetime) -> None:
        if self._gone(patient, at):
            return
        worse = patient.body.severity(self._hour(at)) > 0.4
        patient.sequence += 1
        text = WORSE if worse else self._random.choice(NOTES)
        self._emit(at, hl7.note(self._control(), at, patient.who, patient.stay, f"{patient.stay.visit}-N{patient.sequence}", "PN", text))
        if worse:
            self._emit(
                at + timedelta(minutes=2),
                hl7.order(
                    self._control(),
                    at,
                    patient.who,
                    patient.stay,
                    f"X{patient.stay.visit}-{patient.sequence}",
                    "36643-5^Chest X-ray^LN",
                    "S",
                    lab=False,
                ),
            )
        self._plan(at + timedelta(hours=self._random.uniform(6, 12)), lambda then: self._write_note(patient, then))

    def _leave(self, patient: Patient, number: int, at: datetime) -> None:
        """Home, or to intensive care where the illness is at its height; the bed is cleaned and the next patient comes."""
        if patient.body.severity(self._hour(at)) > 0.5:
            patient.stay = Stay(visit=patient.stay.visit, unit="ICU", room="1", bed=patient.stay.bed, admitted_at=patient.stay.admitted_at)
            self._emit(at, self._adt("A02", at, patient))
            self._plan(at + timedelta(hours=8), lambda then: self._emit(then, self._adt("A03", then, patient, then)))
        else:
            self._emit(at, self._adt("A03", at, patient, at))
            if self._random.random() < CANCELLED:
                self._emit(at + timedelta(minutes=12), self._adt("A13", at + timedelta(minutes=12), patient))
                self._emit(at + timedelta(hours=2), self._adt("A03", at + timedelta(hours=2), patient, at + timedelta(hours=2)))
        self._plan(at + timedelta(hours=self._random.uniform(0.7, 4)), lambda then: self._arrive(number, then))

    def _arrive(self, number: int, at: datetime) -> None:
        """A new patient: by A04 through the emergency department and A02 to the ward, or straight by A01; some under a second number, merged later."""
        patient = self._patient(number, at, body(self._random, self._hour(at), first=False))
        ward = patient.stay
        if self._random.random() < CANCELLED:
            wrong = at - timedelta(minutes=10)
            self._emit(wrong, self._adt("A01", wrong, patient))
            self._emit(at - timedelta(minutes=5), self._adt("A11", at - timedelta(minutes=5), patient))
        if self._random.random() < 0.5:
            patient.stay = Stay(visit=ward.visit, unit="ED", room="1", bed="1", admitted_at=at)
            self._emit(at, self._adt("A04", at, patient))
            patient.stay = ward
            self._emit(at + timedelta(minutes=45), self._adt("A02", at + timedelta(minutes=45), patient))
        else:
            self._emit(at, self._adt("A01", at, patient))
        self._emit(at + timedelta(minutes=50), self._adt("A08", at + timedelta(minutes=50), patient))
        if self._random.random() < CANCELLED:
            self._emit(
                at + timedelta(minutes=70), hl7.merge(self._control(), at + timedelta(minutes=70), patient.who, f"9{patient.who.mrn}")
            )
        self._plan(at + timedelta(minutes=55), lambda then: self._round(patient, then))
        self._plan(at + timedelta(hours=1.2), lambda then: self._bloods(patient, then))
        self._plan(at + timedelta(hours=3), lambda then: self._write_note(patient, then))


def ward(seed: int, beds: int, start: datetime) -> Iterator[Sent]:
    """Every message of a ward from `start` on, in the order of sending; the same seed and start give the same bytes."""
    return Ward(seed, beds, start).messages()
