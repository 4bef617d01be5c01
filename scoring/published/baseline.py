"""A creatinine baseline from before the admission. Sources: akiFlagger (HB_trumping), KDIGO AKI 2012 section 2.4, Inker et al., NEJM 2021;385:1737 (CKD-EPI)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Final

from scoring.published.creatinine import RenalInputs, Taken, Unit, to_precision
from scoring.published.inputs import NotForThisPatient
from scoring.published.population import ADULT_YEARS

OLDEST: Final = timedelta(days=365)
NEWEST: Final = timedelta(days=7)
TRUMPS: Final = timedelta(days=7)
"""So long after admission the historical baseline stands in for the lowest of the last days."""
ASSUMED_EGFR: Final = 75.0
"""mL/min/1.73 m², where nothing is known of the kidneys before (KDIGO 2012, section 2.4)."""
CKD_EPI: Final = {"F": (0.7, -0.241, 1.012), "M": (0.9, -0.302, 1.0)}
"""κ in mg/dL, α and factor of CKD-EPI 2021, the equation without race."""
STEEP: Final = -1.200
YEARLY: Final = 0.9938


def historical(taken: Sequence[Taken], admitted: datetime) -> Decimal | None:
    """The median of outpatient values from 365 to 7 days before the admission, both inclusive; None where there are none.

    A value that is not marked as an inpatient's counts as an outpatient's.
    """
    before = [one.value for one in taken if one.inpatient is not True and NEWEST <= admitted - one.at <= OLDEST]
    return to_precision(median(before)) if before else None


def imputed(age_years: float, sex: str, unit: Unit) -> Decimal:
    """The creatinine of an eGFR of 75 at that age and sex.

    >>> from scoring.published.creatinine import MG_DL
    >>> imputed(50, "M", MG_DL), imputed(50, "F", MG_DL)
    (Decimal('1.1823'), Decimal('0.9287'))
    """
    kappa, alpha, factor = CKD_EPI[sex]
    ratio = ASSUMED_EGFR / (142 * factor * YEARLY**age_years)
    return to_precision(Decimal(str(kappa * ratio ** (1 / (STEEP if ratio < 1 else alpha)))) / unit.mg_dl)


def admission(told: datetime | None, taken: Sequence[Taken]) -> datetime | None:
    """When the stay began: as told, else at the first inpatient value; None where neither is known."""
    return told if told is not None else min((one.at for one in taken if one.inpatient), default=None)


def lacking(inputs: RenalInputs, admitted: datetime | None) -> tuple[str, ...]:
    """What the chosen rule needs and does not have. Raises NotForThisPatient: a child's creatinine is not imputed."""
    rule = inputs.baseline_rule or "rolling"
    needed = {"admitted_at": admitted is None} if rule != "rolling" else {}
    if rule == "imputed":
        if inputs.age_years is not None and inputs.age_years < ADULT_YEARS:
            raise NotForThisPatient(f"an imputed baseline is for {ADULT_YEARS} years and over")
        needed |= {"age_years": inputs.age_years is None, "sex": inputs.sex is None}
    return tuple(name for name, absent in needed.items() if absent)
