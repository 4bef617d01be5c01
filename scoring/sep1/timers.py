"""SEP-1's timers at the bedside: how many elements of the bundle are about to run out, or just have, from what the rolling state knows.

Two things no feed says: that an infection is documented, for which an antibiotic ordered or given stands here (a site's rule, not CMS's), and the weight;
so the fluid is not asked for, nor are blood cultures and the assessment of perfusion, which the state does not hold.
"""

from datetime import datetime, timedelta
from typing import Final

from scoring.published.catalogue import Outcome
from scoring.sep1.facts import Antibiotic, Facts, Measure, Reading
from scoring.sep1.manual import manual
from scoring.sep1.measure import assess
from streams.features import CODE
from streams.patient import PatientState

NAME: Final = "sep1"
ASKED: Final = ("initial_lactate", "antibiotic", "repeat_lactate", "vasopressor")
SOON: Final = timedelta(hours=1)
"""An element counts from an hour before it is due, while it can still be done, to an hour after; what was missed long ago helps nobody."""

READ: Final[dict[str, Measure]] = {
    "temperature": "temp_c", "heart_rate": "hr_per_min", "respiratory_rate": "rr_per_min", "wbc": "wbc_10e9_l", "bands": "bands_pct", "sbp": "sbp_mmhg",
    "map": "map_mmhg", "creatinine": "creatinine_mg_dl", "bilirubin_total": "bilirubin_mg_dl", "platelets": "platelets_10e9_l", "inr": "inr",
    "ptt": "aptt_s", "lactate": "lactate_mmol_l",
}  # fmt: skip


def overdue(patient: PatientState, at: datetime) -> tuple[Outcome, datetime] | None:
    """`total`: the elements that are due within SOON or ran out within SOON, and are not done; each by name in `parts`. None without a sign of infection."""
    signs = tuple(one.at for one in patient.given if one.therapy == "antibiotic" and one.action != "not_given" and one.received_at <= at)
    if not signs:
        return None
    found = assess(_facts(patient, at, signs), manual(), at)
    pressing = [
        one.name
        for one in found.elements
        if one.name in ASKED and one.state in ("due", "missed") and one.due_at is not None and abs(one.due_at - at) <= SOON
    ]
    parts = dict.fromkeys(pressing, 1.0)
    return Outcome(total=float(len(pressing)), parts=parts, missing=found.missing, told={"status": found.status}), at


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
