"""The ward's day: who lies there when it begins, who comes, moves and leaves, as messages in the order of their sending. Pure, seeded."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Final

from streams.ward import bedside
from streams.ward import hl7_writer as hl7
from streams.ward.hl7_writer import Stay
from streams.ward.people import Patient, bed_of, body, number_of, person, unknown, urgent_body, way_out
from streams.ward.physiology import Body
from streams.ward.schedule import Schedule, Sent

URGENT: Final = 2
"""How many patients are falling ill when the simulation begins."""
HISTORY_H: Final = (8.0, 4.0)
"""Hours before the beginning of which earlier rounds are sent, so that the ward is known from the first minute."""

BY_EMERGENCY: Final = 0.5
UNIDENTIFIED: Final = 0.15
"""Of those who come by the emergency department: known under a number of its own until somebody finds the true one (A40)."""
MISTAKEN: Final = 0.03
"""Admissions and discharges entered for the wrong patient and taken back (A11, A13)."""
ILL_AT_HOME: Final = 0.2
"""How ill a patient may at most be to go home."""


class Ward:
    """Beds and who lies in them. One seed and one start are one ward, byte for byte. `first`: those who are there when it begins."""

    def __init__(self, seed: int, beds: int, start: datetime) -> None:
        self.schedule = Schedule(seed, start)
        self._seed, self._beds, self._people, self._intensive = seed, beds, count(1), count(1)
        self.first: list[Patient] = []
        every = max(1, beds // URGENT)
        for number in range(beds):
            self._populate(number, number // every if number % every == min(1, every - 1) and number // every < URGENT else None)

    def messages(self) -> Iterator[Sent]:
        """For ever, in the order of sending."""
        return self.schedule.messages()

    def _populate(self, number: int, urgent: int | None) -> None:
        """A patient who was there before: admitted in the last days, with the last rounds sent as the simulation begins."""
        random, start = self.schedule.random, self.schedule.start
        hour = self.schedule.hour(start)
        form = body(random, hour, first=True) if urgent is None else urgent_body(random, hour, urgent)
        admitted = (start - timedelta(hours=random.uniform(12, 90))).replace(microsecond=0)
        patient = self._patient(number, admitted, form, earliest_h=hour + random.uniform(4, 30))
        self.first.append(patient)
        offset = timedelta(seconds=random.uniform(0, 60))
        self.schedule.plan(start + offset, lambda at: self._adt("A01", at, patient, occurred_at=admitted))
        past = [start - timedelta(hours=hours + random.uniform(-0.5, 0.5)) for hours in HISTORY_H]
        past.append(start - timedelta(minutes=random.uniform(2, 30)))
        self.schedule.plan(start + offset + timedelta(seconds=5), lambda at: self._tell_history(patient, past, at))
        self._care(patient, start, round_min=random.uniform(3, 25), bloods_min=random.uniform(6, 360), note_min=random.uniform(30, 600))

    def _tell_history(self, patient: Patient, times: list[datetime], at: datetime) -> None:
        for number, observed_at in enumerate(times):
            bedside.chart(self.schedule, patient, observed_at, at + timedelta(seconds=5 * number))

    def _patient(self, number: int, admitted_at: datetime, form: Body, earliest_h: float = 0.0) -> Patient:
        index = next(self._people)
        unit, room, bed = bed_of(number, self._beds)
        visit = f"{self.schedule.prefix}V{index:05d}"
        stay = Stay(visit=visit, unit=unit, room=room, bed=bed, admitted_at=admitted_at, attending=f"D{unit}^Simdoctor")
        patient = Patient(who=self._person(index), stay=stay, body=form)
        leaves_h, fate = way_out(self.schedule.random, form, self.schedule.hour(admitted_at))
        self.schedule.plan(self.schedule.at(max(leaves_h, earliest_h)), lambda at: self._leave(patient, fate, number, at))
        return patient

    def _person(self, index: int) -> hl7.Identity:
        return person(self.schedule.random, number_of(self._seed, index), self.schedule.start)

    def _care(self, patient: Patient, at: datetime, *, round_min: float, bloods_min: float, note_min: float) -> None:
        for minutes, care in ((round_min, bedside.rounds), (bloods_min, bedside.bloods), (note_min, bedside.notes)):
            self.schedule.plan(at + timedelta(minutes=minutes), partial(care, self.schedule, patient))

    def _adt(
        self, trigger: str, at: datetime, patient: Patient, *, occurred_at: datetime | None = None, before: Stay | None = None
    ) -> None:
        control = self.schedule.control()
        self.schedule.emit(at, hl7.adt(trigger, control, at, patient.who, patient.stay, occurred_at=occurred_at or at, before=before))

    def _leave(self, patient: Patient, fate: str, number: int | None, at: datetime) -> None:
        """Home, to intensive care, or dead. `number`: of the bed that comes free; None in intensive care, which has beds enough."""
        random = self.schedule.random
        if fate == "intensive care":
            before, bed = patient.stay, str(next(self._intensive))
            patient.stay = replace(before, unit="ICU", room="1", bed=bed, attending="DICU^Simdoctor")
            self._adt("A02", at, patient, before=before)
            self._plan_leave(patient, "home" if patient.body.rescued else "died", None, at, random.uniform(12, 60))
        elif fate == "home" and patient.body.severity(self.schedule.hour(at)) > ILL_AT_HOME:
            self._plan_leave(patient, fate, number, at, 12.0)
            return
        elif fate == "home" and number is not None and random.random() < MISTAKEN:
            self._adt("A03", at, patient)
            self.schedule.plan(at + timedelta(minutes=12), lambda then: self._adt("A13", then, patient))
            self._plan_leave(patient, fate, number, at, random.uniform(1, 6))
            return
        else:
            patient.left = True
            if fate == "died":
                patient.who = replace(patient.who, died_at=at)
            self._adt("A03", at, patient)
        if number is not None:
            self.schedule.plan(at + timedelta(hours=random.uniform(0.7, 4)), lambda then: self._arrive(number, then))

    def _plan_leave(self, patient: Patient, fate: str, number: int | None, at: datetime, hours: float) -> None:
        self.schedule.plan(at + timedelta(hours=hours), lambda then: self._leave(patient, fate, number, then))

    def _arrive(self, number: int, at: datetime) -> None:
        """A new patient: through the emergency department, or straight to the bed; sometimes the wrong one is entered first."""
        random = self.schedule.random
        if random.random() < MISTAKEN:
            wrong = Patient(who=self._person(next(self._people)), stay=self._empty(number, at), body=Body(random=random, course="stable"))
            self._adt("A01", at, wrong)
            self.schedule.plan(at + timedelta(minutes=5), lambda then: self._adt("A11", then, wrong))
        patient = self._patient(number, at, body(random, self.schedule.hour(at), first=False))
        if random.random() < BY_EMERGENCY:
            self._through_emergency(patient, at)
        else:
            self._adt("A01", at, patient)
        self.schedule.plan(at + timedelta(minutes=50), lambda then: self._adt("A08", then, patient))
        self._care(patient, at, round_min=8, bloods_min=70, note_min=180)

    def _empty(self, number: int, at: datetime) -> Stay:
        unit, room, bed = bed_of(number, self._beds)
        return Stay(visit=f"{self.schedule.prefix}W{next(self._people):05d}", unit=unit, room=room, bed=bed, admitted_at=at)

    def _through_emergency(self, patient: Patient, at: datetime) -> None:
        """Registered (A04), found out who it is (A40), moved to the bed (A02)."""
        random, bed = self.schedule.random, patient.stay
        patient.stay = replace(bed, unit="ED", room="1", bed=str(random.randint(1, 12)), attending="DED^Simdoctor")
        true = patient.who
        if random.random() < UNIDENTIFIED:
            patient.who = unknown(true)
            self.schedule.plan(at + timedelta(minutes=random.uniform(15, 40)), lambda then: self._identify(patient, true, then))
        self._adt("A04", at, patient)
        self.schedule.plan(at + timedelta(minutes=45), lambda then: self._to_bed(patient, bed, then))

    def _identify(self, patient: Patient, true: hl7.Identity, at: datetime) -> None:
        former, patient.who = patient.who.mrn, true
        self.schedule.emit(at, hl7.merge(self.schedule.control(), at, true, former))

    def _to_bed(self, patient: Patient, bed: Stay, at: datetime) -> None:
        before, patient.stay = patient.stay, bed
        self._adt("A02", at, patient, before=before)


def ward(seed: int, beds: int, start: datetime) -> Iterator[Sent]:
    """Every message of a ward from `start` on, in the order of sending; the same seed and start give the same bytes."""
    return Ward(seed, beds, start).messages()
