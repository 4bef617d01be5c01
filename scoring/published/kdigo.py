"""KDIGO stages of acute kidney injury. Source: KDIGO Clinical Practice Guideline for AKI, Kidney Int Suppl 2012;2:1, tables 2 and 3.

Baseline rules: `rolling`, the lowest of the last 48 h and 7 d, as in mimic-code; `historical`, the median before the admission in place of both during its
first week, as in akiFlagger; `imputed`, the historical where there is one, else the creatinine of an eGFR of 75. Each stage names the rule it was made by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from scoring.published.baseline import TRUMPS, admission, historical, imputed, lacking
from scoring.published.catalogue import Outcome, Published
from scoring.published.creatinine import (
    BaselineRule,
    RenalInputs,
    Taken,
    Unit,
    all_times,
    lowest,
    reaches,
    refuse_chronic_dialysis,
    series,
    to_precision,
    unit_of,
)
from scoring.published.population import ADULT_YEARS
from scoring.published.urine import UrineStage, collections, urine_stages

ACUTE: Final = timedelta(hours=48)
WEEK: Final = timedelta(days=7)
URINE_SPEAKS: Final = timedelta(hours=6)
"""A urine stage stands beside a creatinine so long: the shortest of its own windows."""
CHILD_EGFR: Final = 35
"""mL/min/1.73 m²; below it, under 18 years, AKI is stage 3."""
SCHWARTZ: Final = Decimal("0.413")
"""Bedside Schwartz: eGFR = 0.413 x height in cm / creatinine in mg/dL (Schwartz et al., JASN 2009;20:629)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """One creatinine's stage, the rule and the baseline it was made by (None: nothing to compare with, which is stage 0 and no reassurance)."""

    taken: Taken
    stage: int
    rule: BaselineRule
    baseline: Decimal | None


def creatinine_stages(
    taken: Sequence[Taken], unit: Unit, *, admitted: datetime | None = None, before: Decimal | None = None, rule: BaselineRule = "rolling",
    child_height_cm: float | None = None,
) -> list[Staged]:  # fmt: skip
    """The stage of each value in order of time. `before`: a baseline that stands in during the first week after `admitted`.

    Values are compared at four decimals. An equal time is not earlier: such values are not each other's baseline.
    """
    staged = []
    for number, one in enumerate(taken):
        acute, week = lowest(taken[:number], one.at, ACUTE), lowest(taken[:number], one.at, WEEK)
        since = None if admitted is None else one.at - admitted
        if before is None or since is None or not timedelta(0) <= since <= TRUMPS:
            staged.append(Staged(taken=one, stage=stage_of(one.value, acute, week, unit, child_height_cm), rule="rolling", baseline=week))
            continue
        stage = stage_of(one.value, before, before, unit, child_height_cm)
        if stage == 0 and since > ACUTE:
            stage = stage_of(one.value, acute, None, unit, child_height_cm)
        staged.append(Staged(taken=one, stage=stage, rule=rule, baseline=before))
    return staged


def stage_of(value: Decimal, acute: Decimal | None, baseline: Decimal | None, unit: Unit, child_height_cm: float | None = None) -> int:
    """The stage of one value against the lowest of 48 h and the baseline of 7 d, either of which may not be known.

    >>> from scoring.published.creatinine import MG_DL
    >>> [stage_of(Decimal(value), Decimal("1.1"), Decimal("1.1"), MG_DL) for value in ("1.39", "1.4", "2.2", "3.3")]
    [0, 1, 2, 3]
    """
    met = reaches(value, "1.5", baseline) or (acute is not None and value >= to_precision(acute + unit.rise))
    child = child_height_cm is not None and SCHWARTZ * Decimal(str(child_height_cm)) < CHILD_EGFR * value * unit.mg_dl
    if reaches(value, "3", baseline) or (met and (value >= unit.severe or child)):
        return 3
    return 2 if reaches(value, "2", baseline) else int(met)


def kdigo_aki(inputs: RenalInputs) -> Outcome:
    """`stages`: one a creatinine value, in the order given, the higher of creatinine and urine; None where it cannot be known. `total`: the newest.

    Raises NotForThisPatient, NotATime, Contradiction.

    >>> from scoring.published.creatinine import CreatinineAt
    >>> day = [CreatinineAt(at=f"2026-05-{day}", mg_dl=value) for day, value in ((24, 1.0), (25, 1.3), (28, 2.0))]
    >>> kdigo_aki(RenalInputs(creatinine=tuple(day))).told["stages"]
    [0, 1, 2]
    """
    refuse_chronic_dialysis(inputs, "KDIGO AKI")
    times, told, rrt = all_times(inputs)
    given = inputs.creatinine or ()
    unit = unit_of(given)
    taken = series(given, times, unit)
    admitted = admission(told, taken)
    by_urine = urine_stages(collections(inputs.urine or (), inputs.weight_kg))
    lacks = lacking(inputs, admitted)
    staged = [] if lacks else _staged(inputs, taken, unit, admitted)
    stages = _with_urine_and_rrt(staged, by_urine, rrt)
    return _outcome(inputs, len(given), staged, stages, by_urine, lacks)


def _staged(inputs: RenalInputs, taken: Sequence[Taken], unit: Unit, admitted: datetime | None) -> list[Staged]:
    child = inputs.height_cm if inputs.age_years is not None and inputs.age_years < ADULT_YEARS else None
    rule: BaselineRule = inputs.baseline_rule or "rolling"
    if rule == "rolling" or admitted is None:
        return creatinine_stages(taken, unit, child_height_cm=child)
    before = historical(taken, admitted)
    found: BaselineRule = "historical"
    if before is None and rule == "imputed" and inputs.age_years is not None and inputs.sex is not None:
        before, found = imputed(inputs.age_years, inputs.sex, unit), "imputed"
    return creatinine_stages(taken, unit, admitted=admitted, before=before, rule=found, child_height_cm=child)


def _with_urine_and_rrt(staged: Sequence[Staged], by_urine: Sequence[UrineStage], rrt: datetime | None) -> list[int]:
    stages: list[int] = []
    injured = False
    for one in staged:
        beside = [found for found in by_urine if timedelta(0) <= one.taken.at - found.at <= URINE_SPEAKS]
        stage = max(one.stage, (beside[-1].stage or 0) if beside else 0)
        injured = injured or stage > 0 or any(found.stage for found in by_urine if found.at <= one.taken.at)
        stages.append(3 if injured and rrt is not None and one.taken.at >= rrt else stage)
    return stages


def _outcome(
    inputs: RenalInputs, given: int, staged: Sequence[Staged], stages: Sequence[int], by_urine: Sequence[UrineStage], lacks: tuple[str, ...]
) -> Outcome:
    placed: dict[int, tuple[int, Staged]] = {one.taken.place: (stage, one) for stage, one in zip(stages, staged, strict=True)}
    missing = [*lacks] if given else ["creatinine", *lacks]
    if inputs.weight_kg is None and any(one.ml is not None for one in inputs.urine or ()):
        missing.append("weight_kg")
    newest = stages[-1] if stages else None
    return Outcome(
        total=newest,
        parts={"creatinine": staged[-1].stage} if staged else {},
        missing=tuple(missing),
        told={
            "stages": [placed[place][0] if place in placed else None for place in range(given)],
            "baseline_rule": inputs.baseline_rule or "rolling",
            "rules": [placed[place][1].rule if place in placed else None for place in range(given)],
            "baselines": [_number(placed[place][1].baseline) if place in placed else None for place in range(given)],
            "urine_stages": [{"at": one.at, "stage": one.stage} for one in by_urine],
            "highest": max(stages, default=None),
            "not_measured": [] if inputs.urine else ["urine"],
        },
    )


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


SCORES: Final = (
    Published(
        name="kdigo_aki",
        version="KDIGO 2012",
        source="KDIGO Clinical Practice Guideline for Acute Kidney Injury, Kidney Int Suppl 2012;2:1; baselines as in mimic-code and akiFlagger",
        population="adults and children, not with end-stage renal disease or on chronic dialysis",
        lowest=0,
        highest=3,
        needs=("creatinine",),
        uses=(
            "urine", "weight_kg", "baseline_rule", "admitted_at", "rrt_started_at", "age_years", "sex", "height_cm", "esrd", "dialysis",
        ),
        inputs=RenalInputs,
        outcome=kdigo_aki,
    ),
)  # fmt: skip
