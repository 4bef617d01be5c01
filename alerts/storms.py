"""Storms: raises in such numbers that a monitor or a whole ward has gone wrong are told in one page that says how many; none is lost.

An episode that is grouped is open like any other. It waits for its own page until the storm's hold is over: whoever answers the storm's page by then has
answered it too; whoever has cleared by then was nobody's page; the rest are paged one by one. Rapid response is never grouped.
"""

from datetime import datetime
from typing import Literal

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from alerts.episode import Episode
from alerts.rules import Storms, Tier
from infra.database.sql import statements

SQL = statements("alerts", "storms.sql")

Kind = Literal["bed", "input", "unit"]
SEVERAL_UNITS = "several units"


class Raises(Struct, frozen=True, kw_only=True):
    """How many patients were raised about lately, this one among them: on the unit, by this input in the whole hospital; and how often about this one by it."""

    unit: int
    input: int
    bed: int


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


def raises_about(cursor: psycopg.Cursor, rules: Storms, episode: Episode) -> Raises:
    """What was raised lately, by the database, with this one, whose episode is written already."""
    names = {
        "patient_id": episode.patient_id, "unit": episode.unit, "input": episode.input, "since": episode.opened_at - rules.within,
        "bed_since": episode.opened_at - rules.bed_within, "until": episode.opened_at,
    }  # fmt: skip
    row = cursor.execute(SQL["raises"].encode(), names).fetchone()
    unit, of_input, bed = row or (0, 0, 0)
    return Raises(unit=unit + (episode.unit is not None), input=of_input + bool(episode.input), bed=bed)


def gather(
    cursor: psycopg.Cursor, rules: Storms, kind: Kind, raises: Raises, episode: Episode, episode_id: str, received_at: datetime
) -> tuple[Episode, bool]:
    """The storm's own episode with one more, and whether it begins with this one. It is over when no more came for `hold`."""
    place = {"bed": episode.patient_id, "input": episode.input, "unit": episode.unit}[kind]
    unit = SEVERAL_UNITS if kind == "input" else episode.unit
    reason = " ".join(("storm", kind, *([episode.input] if kind != "unit" else [])))
    group = replace(
        episode, episode_id=episode_id, patient_id=f"storm:{kind}:{place}", encounter_id=None, unit=unit, bed=episode.bed if kind == "bed" else None,
        reason=reason, peak=None, input="", follows=None,
    )  # fmt: skip
    names = {name: getattr(group, name) for name in group.__struct_fields__} | {
        "received_at": received_at, "expires_at": episode.opened_at + rules.hold, "hold": rules.hold, "alerts": getattr(raises, kind),
    }  # fmt: skip
    row = cursor.execute(SQL["gather"].encode(), names).fetchone()
    if row is None:
        raise RuntimeError("an upsert gave no row")
    return replace(group, episode_id=row[0]), bool(row[1])
