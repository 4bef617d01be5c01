"""Creatinine over time: what a request for an AKI stage holds, as exact numbers in one unit, in order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import takewhile
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from scoring.published.inputs import Centimetres, Contradiction, Creatinine, Kilograms, Millilitres, NotForThisPatient, Years
from scoring.published.times import instants

UMOL_L_PER_MG_DL: Final = Decimal("88.4")
"""Molar mass of creatinine 113.12 g/mol."""
PRECISION: Final = Decimal("0.0001")
"""Numbers are compared after rounding to four decimals, so that 1.1 + 0.3 is 1.4 and 3 x 1.1 is 3.3."""

MOST_VALUES: Final = 2_000
"""In one request: hourly for twelve weeks. The stages of more would keep the next request waiting."""

BaselineRule = Literal["rolling", "historical", "imputed"]


class CreatinineAt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One creatinine, in mg/dL or in µmol/L; without either it is not known. `inpatient`: taken during a hospital stay."""

    at: str
    mg_dl: Creatinine | None = None
    umol_l: Annotated[float, Meta(ge=9, le=2_650)] | None = None
    inpatient: bool | None = None


class UrineAt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One collection, ended `at`, begun `since` (None: at the end of the one before), in ml (then the weight is needed) or ml per kg."""

    at: str
    since: str | None = None
    ml: Millilitres | None = None
    ml_per_kg: Annotated[float, Meta(ge=0, le=1_000)] | None = None


class RenalInputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What both AKI stagings take. `baseline_rule` is KDIGO's (None: rolling); the reference interval is for the NHS algorithm.

    Times are ISO 8601, all with an offset or none. `dialysis`, `esrd`: before this illness; `rrt_started_at`: because of it.
    """

    creatinine: Annotated[tuple[CreatinineAt, ...], Meta(max_length=MOST_VALUES)] | None = None
    urine: Annotated[tuple[UrineAt, ...], Meta(max_length=MOST_VALUES)] | None = None
    baseline_rule: BaselineRule | None = None
    admitted_at: str | None = None
    rrt_started_at: str | None = None
    weight_kg: Kilograms | None = None
    height_cm: Centimetres | None = None
    age_years: Years | None = None
    sex: Literal["F", "M"] | None = None
    esrd: bool | None = None
    dialysis: bool | None = None
    reference_low_mg_dl: Creatinine | None = None
    reference_high_mg_dl: Creatinine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit of creatinine with the limits KDIGO prints in it: an acute rise from, a severe value from."""

    rise: Decimal
    severe: Decimal
    mg_dl: Decimal
    """One of it in mg/dL."""


MG_DL: Final = Unit(rise=Decimal("0.3"), severe=Decimal("4.0"), mg_dl=Decimal(1))
UMOL_L: Final = Unit(rise=Decimal("26.5"), severe=Decimal("353.6"), mg_dl=1 / UMOL_L_PER_MG_DL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One known creatinine: its place in the request, its time, its value in the series' unit."""

    place: int
    at: datetime
    value: Decimal
    inpatient: bool | None


def series(given: Sequence[CreatinineAt], times: Sequence[datetime], unit: Unit) -> list[Taken]:
    """The known values in order of time. Raises Contradiction for one given in two units."""
    if any(one.mg_dl is not None and one.umol_l is not None for one in given):
        raise Contradiction("a creatinine is given in mg_dl and in umol_l")
    found = [
        Taken(place=place, at=at, value=value, inpatient=one.inpatient)
        for place, (one, at) in enumerate(zip(given, times, strict=True))
        if (value := _value(one, unit)) is not None
    ]
    return sorted(found, key=lambda one: one.at)


def unit_of(given: Sequence[CreatinineAt]) -> Unit:
    """µmol/L where every known value is given so, else mg/dL."""
    return UMOL_L if any(one.umol_l is not None for one in given) and all(one.mg_dl is None for one in given) else MG_DL


def lowest(before: Sequence[Taken], at: datetime, within: timedelta) -> Decimal | None:
    """The lowest earlier value of a window that includes its far end. `before`: in order of time."""
    recent = takewhile(lambda one: at - one.at <= within, reversed(before))
    return min((one.value for one in recent if one.at < at), default=None)


def to_precision(value: Decimal) -> Decimal:
    """At four decimals."""
    return value.quantize(PRECISION, rounding=ROUND_HALF_UP)


def reaches(value: Decimal, factor: str, reference: Decimal | None) -> bool:
    """Whether a value is at least so many times a reference; never, where there is none.

    >>> reaches(Decimal("3.3"), "3", Decimal("1.1"))
    True
    """
    return reference is not None and value >= to_precision(Decimal(factor) * reference)


def all_times(inputs: RenalInputs) -> tuple[list[datetime], datetime | None, datetime | None]:
    """Times of the creatinines, of the admission and of the start of RRT, read with those of the urine, so that offsets are all there or none."""
    texts = [one.at for one in inputs.creatinine or ()]
    single = [text for text in (inputs.admitted_at, inputs.rrt_started_at) if text is not None]
    of_urine = [text for one in inputs.urine or () for text in (one.at, one.since) if text is not None]
    read = iter(instants([*texts, *single, *of_urine]))
    times = [next(read) for _ in texts]
    admitted = next(read) if inputs.admitted_at is not None else None
    started = next(read) if inputs.rrt_started_at is not None else None
    return times, admitted, started


def refuse_chronic_dialysis(inputs: RenalInputs, score: str) -> None:
    """Raises NotForThisPatient: with end-stage disease or on chronic dialysis creatinine tells nothing of an acute injury."""
    if inputs.esrd or inputs.dialysis:
        raise NotForThisPatient(f"{score} is not for end-stage renal disease or chronic dialysis")


def _value(one: CreatinineAt, unit: Unit) -> Decimal | None:
    if one.mg_dl is not None:
        return to_precision(Decimal(str(one.mg_dl)) / unit.mg_dl)
    if one.umol_l is not None:
        return to_precision(Decimal(str(one.umol_l)) * UMOL_L.mg_dl / unit.mg_dl)
    return None
