"""SEP-1's timers at the bedside: how many elements of the bundle are about to run out, or just have, from what the rolling state knows.

Two things no feed says: that an infection is documented, for which an antibiotic ordered or given stands here (a site's rule, not CMS's), and the weight;
so the fluid is not asked for, nor are blood cultures and the assessment of perfusion, which the state does not hold.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from scoring.published.catalogue import Outcome
from scoring.sep1.facts import Antibiotic, Facts, Measure, Reading
from scoring.sep1.manual import manual
from scoring.sep1.measure import Assessment, Element, assess
from streams.features import CODE
from streams.patient import PatientState

NAME: Final = "sep1"
ASKED: Final = ("initial_lactate", "antibiotic", "repeat_lactate", "vasopressor")
SOON: Final = timedelta(hours=1)
"""An element counts from an hour before it is due, while it can still be done, to an hour after; what was missed long ago helps nobody."""

REMEMBERED: Final = 1024
"""Assessments, each half a millisecond: of two batches."""

READ: Final[dict[str, Measure]] = {
    "temperature": "temp_c", "heart_rate": "hr_per_min", "respiratory_rate": "rr_per_min", "wbc": "wbc_10e9_l", "bands": "bands_pct", "sbp": "sbp_mmhg",
    "map": "map_mmhg", "creatinine": "creatinine_mg_dl", "bilirubin_total": "bilirubin_mg_dl", "platelets": "platelets_10e9_l", "inr": "inr",
    "ptt": "aptt_s", "lactate": "lactate_mmol_l",
}  # fmt: skip


INSTANT: Final = timedelta(microseconds=1)
"""The least by which two times differ: what holds up to and including an instant has ended so much later."""
LOOKED_FOR: Final = 64
"""Instants that are tried one after the other for a change; each is a fact that was told before its time, of which a patient has few."""


def overdue(patient: PatientState, at: datetime) -> tuple[Outcome, datetime] | None:
    """`total`: the elements that are due within SOON or ran out within SOON, and are not done; each by name in `parts`. None without a sign of infection."""
    found = _assessed(patient, at)
    if found is None:
        return None
    parts = dict.fromkeys(_pressing(found, at), 1.0)
    return Outcome(total=float(len(parts)), parts=parts, missing=found.missing, told={"status": found.status}), at


def next_change(patient: PatientState, at: datetime) -> datetime | None:
    """The first instant after `at` at which `overdue` presses for other elements though no message comes: one begins to run out, has long run out, or the
    stay is no longer measured. None where none does, by what was received by `at`.
    """
    found = _assessed(patient, at)
    if found is None:
        return None
    pressing, now = _pressing(found, at), at
    for _ in range(LOOKED_FOR):
        edge, other = _later(patient, found, now, at)
        later = min((one for one in (edge, other) if one is not None), default=None)
        if later is None:
            return None
        if later == other:  # else what is known is the same, and only time has passed
            found = assess(_facts(patient, at, _signs(patient, at)), manual(), later)
        now = later
        if _pressing(found, later) != pressing:
            return later
    return None


def _later(patient: PatientState, found: Assessment, now: datetime, known_at: datetime) -> tuple[datetime | None, datetime | None]:
    """The next edge of a window; and the next instant at which the assessment itself may change: a fact told before its time, the longest stay."""
    edges = (
        edge
        for one in found.elements
        if _waits(one) and one.due_at is not None
        for edge in (one.due_at - SOON, one.due_at + SOON + INSTANT)
    )
    told = [one.at for one in patient.given if one.at > now and one.received_at <= known_at]
    for name in READ:
        for one in reversed(patient.readings.get(CODE[name], ())):
            if one.observed_at <= now:
                break
            if one.received_at <= known_at:
                told.append(one.observed_at)
    admitted = patient.encounter.admitted_at if patient.encounter else None
    if admitted is not None:
        told.append(admitted + timedelta(days=manual().exclusions.longest_stay_days) + INSTANT)
    return min((one for one in edges if one > now), default=None), min((one for one in told if one > now), default=None)


def _waits(one: Element) -> bool:
    return one.name in ASKED and one.state in ("due", "missed")


def _pressing(found: Assessment, at: datetime) -> list[str]:
    return [one.name for one in found.elements if _waits(one) and one.due_at is not None and abs(one.due_at - at) <= SOON]


def _signs(patient: PatientState, at: datetime) -> tuple[datetime, ...]:
    return tuple(one.at for one in patient.given if one.therapy == "antibiotic" and one.action != "not_given" and one.received_at <= at)


def _assessed(patient: PatientState, at: datetime) -> Assessment | None:
    return _remembered(_Asked(patient, at))


class _Asked:
    """A question about this very state, which nothing changes: two of one patient are two questions."""

    __slots__ = ("at", "patient")

    def __init__(self, patient: PatientState, at: datetime) -> None:
        self.patient, self.at = patient, at

    def __hash__(self) -> int:
        return hash((id(self.patient), self.at))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.patient is other.patient and self.at == other.at


@lru_cache(maxsize=REMEMBERED)
def _remembered(asked: _Asked) -> Assessment | None:
    """What presses and when that changes are asked one after the other, with a whole batch between."""
    signs = _signs(asked.patient, asked.at)
    return assess(_facts(asked.patient, asked.at, signs), manual(), asked.at) if signs else None


def _facts(patient: PatientState, at: datetime, signs: tuple[datetime, ...]) -> Facts:
    given = [one for one in patient.given if one.action == "given" and one.received_at <= at]
    encounter = patient.encounter
    return Facts(
        age_years=None if patient.birth_date is None else (at.date() - patient.birth_date).days / 365.25,
        admitted_at=encounter.admitted_at if encounter else None,
        infection_at=signs,
        readings=tuple(
            Reading(at=one.observed_at, name=measure, value=one.value_num)
            for name, measure in READ.items()
            for one in patient.readings.get(CODE[name], ())
            if one.received_at <= at and one.value_num is not None
        ),
        antibiotics=tuple(Antibiotic(at=one.at, broad_spectrum=True) for one in given if one.therapy == "antibiotic"),
        vasopressors_at=tuple(one.at for one in given if one.therapy == "vasopressor"),
    )
