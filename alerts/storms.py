"""Storms: raises in such numbers that a monitor or a whole ward has gone wrong are told in one page that says how many; none is lost. Pure.

An episode that is grouped is open like any other. It waits for its own page until the storm's hold is over: whoever answers the storm's page by then has
answered it too; whoever has cleared by then was nobody's page; the rest are paged one by one. Rapid response is never grouped.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from msgspec import Struct

from alerts.rules import Storms, Tier

Kind = Literal["bed", "input", "unit"]


class Raises(Struct, frozen=True, kw_only=True):
    """How many patients were raised about lately, this one among them: on the unit, by this input in the whole hospital; and how often about this one by it."""

    unit: int
    input: int
    bed: int


class Raise(NamedTuple):
    """An episode that began, and took no other's place. `input`: the one that raised it, empty where there is no such."""

    at: datetime
    patient_id: str
    unit: str | None
    input: str


def counted(rules: Storms, this: Raise, lately: Iterable[Raise]) -> Raises:
    """What was raised lately, with this one; `lately`: those before it, at least as far back as `rules` look.

    >>> from datetime import timedelta
    >>> ten, noon = timedelta(minutes=10), datetime.fromisoformat("2026-03-01T12:00+00:00")
    >>> rules = Storms(unit_raises=6, input_raises=12, within=ten, bed_raises=4, bed_within=3 * ten, hold=ten)
    >>> before = [Raise(noon - 2 * ten, "a", "4W", "spo2_pct"), Raise(noon, "b", "4W", "spo2_pct"), Raise(noon, "c", "6E", "spo2_pct")]
    >>> counted(rules, Raise(noon, "a", "4W", "spo2_pct"), before)
    Raises(unit=2, input=3, bed=2)
    """
    unit, of_input, bed = set(), set(), 1 if this.input else 0
    for one in lately:
        if one.at > this.at:
            continue
        if one.at > this.at - rules.within and one.patient_id != this.patient_id:
            if this.unit is not None and one.unit == this.unit:
                unit.add(one.patient_id)
            if this.input and one.input == this.input:
                of_input.add(one.patient_id)
        if one.at > this.at - rules.bed_within and this.input and (one.patient_id, one.input) == (this.patient_id, this.input):
            bed += 1
    return Raises(unit=len(unit) + (this.unit is not None), input=len(of_input) + bool(this.input), bed=bed)


def storm(rules: Storms, tier: Tier, raises: Raises) -> Kind | None:
    """The storm that a raise is part of; None where it has its own page.

    >>> from datetime import timedelta
    >>> ten = timedelta(minutes=10)
    >>> rules = Storms(unit_raises=6, input_raises=12, within=ten, bed_raises=4, bed_within=ten, hold=ten)
    >>> [storm(rules, tier, Raises(unit=7, input=2, bed=1)) for tier in ("urgent", "rapid_response")]
    ['unit', None]
    """
    if tier == "rapid_response":
        return None
    if raises.bed >= rules.bed_raises:
        return "bed"
    if raises.input >= rules.input_raises:
        return "input"
    return "unit" if raises.unit >= rules.unit_raises else None


def place_of(kind: Kind, patient_id: str, unit: str | None, of_input: str) -> str | None:
    """What a storm is a storm of: one such is told at a time."""
    return {"bed": patient_id, "input": of_input, "unit": unit}[kind]
