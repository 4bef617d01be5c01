"""Urine output over the hours, and KDIGO's stage by it. Source: KDIGO AKI 2012, table 2; rates over whole windows as in mimic-code, kdigo_uo.sql."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import takewhile
from typing import Final

from scoring.published.creatinine import UrineAt
from scoring.published.inputs import Contradiction
from scoring.published.times import instants

RULES: Final = (
    (timedelta(hours=24), Fraction(3, 10), 3),
    (timedelta(hours=12), Fraction(1, 2), 2),
    (timedelta(hours=6), Fraction(1, 2), 1),
)
"""Below so many mL/kg/h over so long: its stage."""
ANURIA: Final = timedelta(hours=12)
ANURIA_STAGE: Final = 3
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Urine per kg between two times; exact, so that 0.5 is not below 0.5."""

    since: datetime
    until: datetime
    ml_per_kg: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class UrineStage:
    """The stage by urine at the end of a collection; None where no window was covered."""

    at: datetime
    stage: int | None


def collections(given: Sequence[UrineAt], weight_kg: float | None) -> list[Collection]:
    """The collections in order of time. One without a beginning or before it only marks when the next began; one without an amount is a gap.

    Raises Contradiction where two overlap or one ends before it begins.
    """
    ends = instants([one.at for one in given])
    begins = iter(instants([one.since for one in given if one.since is not None]))
    spans = [(end, next(begins) if one.since is not None else None, one) for end, one in zip(ends, given, strict=True)]
    found: list[Collection] = []
    before: datetime | None = None
    for end, begin, one in sorted(spans, key=lambda span: span[0]):
        since = before if begin is None else begin
        if since is not None:
            if since >= end or (before is not None and since < before):
                raise Contradiction("collections of urine overlap or end before they begin")
            amount = _per_kg(one, weight_kg)
            if amount is not None:
                found.append(Collection(since=since, until=end, ml_per_kg=amount))
        before = end
    return found


def urine_stages(found: Sequence[Collection]) -> list[UrineStage]:
    """The stage at the end of each collection, from windows that are wholly covered by collections.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> [urine_stages([Collection(since=noon - timedelta(hours=6), until=noon, ml_per_kg=Fraction(ml))])[0].stage for ml in ("2.9", "3")]
    [1, 0]
    """
    return [UrineStage(at=one.until, stage=_stage(found[: number + 1], one.until)) for number, one in enumerate(found)]


def _stage(found: Sequence[Collection], at: datetime) -> int | None:
    if _amount(found, at, ANURIA) == 0:
        return ANURIA_STAGE
    measured = [
        (amount / Fraction(window / HOUR) < limit, stage)
        for window, limit, stage in RULES
        if (amount := _amount(found, at, window)) is not None
    ]
    return max((stage for below, stage in measured if below), default=0) if measured else None


def _amount(found: Sequence[Collection], at: datetime, window: timedelta) -> Fraction | None:
    """mL/kg within the window before `at`, a collection that reaches over its edge by its share; None where some of it is not covered."""
    begin, covered, amount = at - window, timedelta(0), Fraction(0)
    for one in takewhile(lambda one: one.until > begin, reversed(found)):
        overlap = min(one.until, at) - max(one.since, begin)
        if overlap > timedelta(0):
            covered += overlap
            amount += one.ml_per_kg * Fraction(_microseconds(overlap), _microseconds(one.until - one.since))
    return amount if covered == window else None


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _per_kg(one: UrineAt, weight_kg: float | None) -> Fraction | None:
    if one.ml_per_kg is not None:
        return Fraction(str(one.ml_per_kg))
    if one.ml is None or weight_kg is None:
        return None
    return Fraction(str(one.ml)) / Fraction(str(weight_kg))
