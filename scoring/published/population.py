"""Whom a score was made for: refuses the others, because a number would look like a finding."""

from typing import Final

from scoring.published.inputs import Inputs, NotForThisPatient

ADULT_YEARS: Final = 18
PUERPERIUM_DAYS: Final = 42
"""Six weeks after the birth (WHO)."""


def refuse_younger_than(years: float, inputs: Inputs, score: str) -> None:
    """Raises NotForThisPatient for whoever is known to be younger.

    >>> refuse_younger_than(16, Inputs(age_years=16), "NEWS2")
    """
    if inputs.age_years is not None and inputs.age_years < years:
        raise NotForThisPatient(f"{score} is not for patients under {years} years")


def refuse_from(years: float, inputs: Inputs, score: str) -> None:
    """Raises NotForThisPatient for whoever is known to have reached that age."""
    if inputs.age_years is not None and inputs.age_years >= years:
        raise NotForThisPatient(f"{score} is for patients under {years} years")


def refuse_pregnancy(inputs: Inputs, score: str, *, beyond_weeks: float = 0) -> None:
    """Raises NotForThisPatient for a pregnancy known to be, or not known not to be, beyond those weeks.

    >>> refuse_pregnancy(Inputs(pregnant=True, gestation_weeks=20), "NEWS2", beyond_weeks=20)
    """
    weeks = inputs.gestation_weeks
    if weeks is None:
        if not inputs.pregnant:
            return
        if beyond_weeks:
            raise NotForThisPatient(f"{score} is not for a pregnancy beyond {beyond_weeks:g} weeks: gestation_weeks is needed")
    elif weeks <= beyond_weeks and beyond_weeks:
        return
    raise NotForThisPatient(f"{score} is not for a pregnancy{f' beyond {beyond_weeks:g} weeks' if beyond_weeks else ''}")


def refuse_unless_maternity(inputs: Inputs, score: str) -> None:
    """Raises NotForThisPatient for whoever is known to be neither pregnant nor within six weeks after the birth."""
    days = inputs.postpartum_days
    puerperal = days is not None and days <= PUERPERIUM_DAYS
    expecting = inputs.pregnant is True or inputs.gestation_weeks is not None
    if inputs.sex == "M" or (not expecting and not puerperal and (inputs.pregnant is False or days is not None)):
        raise NotForThisPatient(f"{score} is for pregnancy and the six weeks after birth")
