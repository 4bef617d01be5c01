"""A stay with severe sepsis from noon on, to be changed by a test and judged at any time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from scoring.sep1.facts import Facts, Measure, Reading
from scoring.sep1.manual import manual
from scoring.sep1.measure import Assessment, Element, assess

ZERO = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(hours: float) -> datetime:
    return ZERO + timedelta(hours=hours)


def reading(hours: float, name: Measure, value: float, **more: Any) -> Reading:
    return Reading(at=at(hours), name=name, value=value, **more)


SEPTIC = Facts(
    age_years=70,
    weight_kg=80,
    admitted_at=at(-5),
    transferred_in=False,
    infection_at=(at(-2),),
    readings=(reading(-1, "temp_c", 38.4), reading(-1, "hr_per_min", 91), reading(0, "creatinine_mg_dl", 2.1)),
)
"""Severe sepsis from noon on, by creatinine; nothing done yet."""


def judged(facts: Facts = SEPTIC, now: datetime | None = None, **more: Any) -> Assessment:
    return assess(msgspec.structs.replace(facts, **more), manual(), now if now is not None else at(200))


def with_readings(*readings: Reading, now: datetime | None = None, **more: Any) -> Assessment:
    return judged(now=now, readings=(*SEPTIC.readings, *readings), **more)


def element(found: Assessment, name: str) -> Element:
    return next(one for one in found.elements if one.name == name)


def states(found: Assessment) -> dict[str, str]:
    return {one.name: one.state for one in found.elements}
