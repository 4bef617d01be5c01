"""Whom the policy keeps quiet about, and why. Pure."""

from collections.abc import Sequence
from datetime import date, datetime

from msgspec import Struct

from alerts.rules import Exclusion
from streams.patient import PatientState


class Circumstances(Struct, frozen=True, kw_only=True):
    """What exclusions ask about a patient; None where nobody said. `resuscitate`: what is to be done at an arrest, by the newest statement."""

    unit: str | None = None
    patient_class: str | None = None
    birth_date: date | None = None
    resuscitate: str | None = None
    comfort_care: bool = False


def circumstances_of(patient: PatientState) -> Circumstances:
    """A patient's, by the rolling state. A statement that was withdrawn says nothing."""
    encounter, said = patient.encounter, patient.code_status
    stated = said if said is not None and not said.withdrawn else None
    return Circumstances(
        unit=encounter.unit if encounter else None, patient_class=encounter.patient_class if encounter else None, birth_date=patient.birth_date,
        resuscitate=stated.resuscitate if stated else None, comfort_care=stated is not None and stated.comfort_care,
    )  # fmt: skip


def exclusion(rules: Sequence[Exclusion], score: str, circumstances: Circumstances | None, now: datetime) -> str:
    """Why the policy keeps quiet about such a patient; empty where it does not.

    >>> children = Exclusion(reason="paediatric", below_age_years=16)
    >>> noon = datetime.fromisoformat("2026-03-01T12:00+00:00")
    >>> [exclusion([children], "news2", Circumstances(birth_date=born), noon) for born in (date(2010, 3, 2), date(2010, 3, 1), None)]
    ['paediatric', '', '']
    """
    if circumstances is None:
        return ""
    return next((one.reason for one in rules if (not one.scores or score in one.scores) and _holds(one, circumstances, now)), "")


def _holds(rule: Exclusion, circumstances: Circumstances, now: datetime) -> bool:
    if rule.units and circumstances.unit not in rule.units:
        return False
    if rule.classes and circumstances.patient_class not in rule.classes:
        return False
    if rule.comfort_care and not circumstances.comfort_care:
        return False
    if rule.resuscitate and circumstances.resuscitate not in rule.resuscitate:
        return False
    if rule.below_age_years is None:
        return True
    born = circumstances.birth_date
    return born is not None and now.year - born.year - ((now.month, now.day) < (born.month, born.day)) < rule.below_age_years
