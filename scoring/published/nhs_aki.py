"""The NHS England algorithm for early identification of acute kidney injury. Source: NHS England, patient safety alert NHS/PSA/D/2014/010; criteria as in Sawhney et al., PLoS One 2015;10:e0131909."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import Final, Literal

from scoring.published.catalogue import Outcome, Published
from scoring.published.creatinine import (
    UMOL_L,
    UMOL_L_PER_MG_DL,
    RenalInputs,
    Taken,
    all_times,
    lowest,
    reaches,
    refuse_chronic_dialysis,
    series,
    to_precision,
)

WEEK: Final = timedelta(days=7)
YEAR: Final = timedelta(days=365)
ACUTE: Final = timedelta(hours=48)
RISE_UMOL_L: Final = 26
SEVERE_UMOL_L: Final = 354
"""Above each, not at it."""

Flag = Literal["low", "normal", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One creatinine's stage: None where nothing of the last 365 days compares. Reference values and baseline in µmol/L."""

    taken: Taken
    stage: int | None
    rv1: Decimal | None
    rv2: Decimal | None


def alerts(taken: Sequence[Taken]) -> list[Alert]:
    """Each value, in µmol/L and in order of time, against the lowest of the 7 days before (RV1) and the median of the rest of the year (RV2).

    The higher ratio decides: 1.5, 2 and 3 are stages 1 to 3; above 354 µmol/L with a ratio of 1.5 or an acute rise is 3; else more than 26 µmol/L
    above the lowest of 48 h is 1. The day between 7 and 8 days, which the algorithm leaves open, counts to the year.
    """
    return [_alert(one, taken[:number]) for number, one in enumerate(taken)]


def _alert(one: Taken, before: Sequence[Taken]) -> Alert:
    rv1 = lowest(before, one.at, WEEK)
    older = [past.value for past in before if WEEK < one.at - past.at <= YEAR]
    rv2 = to_precision(median(older)) if older else None
    if rv1 is None and rv2 is None:
        return Alert(taken=one, stage=None, rv1=None, rv2=None)
    acute = lowest(before, one.at, ACUTE)
    risen = acute is not None and one.value - acute > RISE_UMOL_L

    def ratio(factor: str) -> bool:
        return reaches(one.value, factor, rv1) or reaches(one.value, factor, rv2)

    if ratio("3") or (one.value > SEVERE_UMOL_L and (ratio("1.5") or risen)):
        stage = 3
    elif ratio("2"):
        stage = 2
    else:
        stage = int(ratio("1.5") or risen)
    return Alert(taken=one, stage=stage, rv1=rv1, rv2=rv2)


def nhs_aki(inputs: RenalInputs) -> Outcome:
    """`stages`: one a creatinine value, in the order given; None where nothing of the last 365 days compares, and then `flags` says where the
    value lies in the laboratory's reference interval, if that is given. `total`: the newest stage.

    Raises NotForThisPatient, NotATime, Contradiction.

    >>> from scoring.published.creatinine import CreatinineAt
    >>> nhs_aki(RenalInputs(creatinine=(CreatinineAt(at="2026-05-24", umol_l=80), CreatinineAt(at="2026-05-25", umol_l=120)))).told["stages"]
    [None, 1]
    """
    refuse_chronic_dialysis(inputs, "NHS AKI")
    given = inputs.creatinine or ()
    times, _, _ = all_times(inputs)
    found = alerts(series(given, times, UMOL_L))
    placed = {one.taken.place: one for one in found}
    stages = [placed[place].stage if place in placed else None for place in range(len(given))]
    newest = found[-1].stage if found else None
    flags = [_flag(placed[place], inputs) if place in placed else None for place in range(len(given))]
    return Outcome(
        total=newest,
        parts={} if newest is None else {"creatinine": newest},
        missing=_missing(inputs, found),
        told={
            "stages": stages,
            "baseline_rule": "nhs_england_2014",
            "flags": flags,
            "rv1_umol_l": [_number(placed[place].rv1) if place in placed else None for place in range(len(given))],
            "rv2_umol_l": [_number(placed[place].rv2) if place in placed else None for place in range(len(given))],
            "highest": max((one.stage for one in found if one.stage is not None), default=None),
        },
    )


def _missing(inputs: RenalInputs, found: Sequence[Alert]) -> tuple[str, ...]:
    if not found:
        return ("creatinine",)
    unstaged = any(one.stage is None for one in found)
    return tuple(name for name in ("reference_low_mg_dl", "reference_high_mg_dl") if unstaged and getattr(inputs, name) is None)


def _flag(one: Alert, inputs: RenalInputs) -> Flag | None:
    low, high = inputs.reference_low_mg_dl, inputs.reference_high_mg_dl
    if one.stage is not None or low is None or high is None:
        return None
    value = one.taken.value
    return "low" if value < _umol_l(low) else "high" if value > _umol_l(high) else "normal"


def _umol_l(mg_dl: float) -> Decimal:
    return to_precision(Decimal(str(mg_dl)) * UMOL_L_PER_MG_DL)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


SCORES: Final = (
    Published(
        name="nhs_aki",
        version="NHS England 2014",
        source="NHS England, patient safety alert NHS/PSA/D/2014/010; criteria as in Sawhney et al., PLoS One 2015;10:e0131909",
        population="everybody with a creatinine, not with end-stage renal disease or on chronic dialysis",
        lowest=0,
        highest=3,
        needs=("creatinine",),
        uses=("reference_low_mg_dl", "reference_high_mg_dl", "esrd", "dialysis"),
        inputs=RenalInputs,
        outcome=nhs_aki,
    ),
)
