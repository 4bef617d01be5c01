"""Storms in the database: what was raised lately, and the storm's own episode that each further raise joins."""

from datetime import datetime

import psycopg
from msgspec.structs import replace

from alerts.episode import Episode
from alerts.rules import Storms
from alerts.storms import Kind, Raises, place_of
from infra.database.sql import statements

SQL = statements("alerts", "storms_store.sql")
SEVERAL_UNITS = "several units"


def raises_about(cursor: psycopg.Cursor, rules: Storms, episode: Episode) -> Raises:
    """What was raised lately, by the database, with this one, whose episode is written already; as `storms.counted` counts."""
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
    unit = SEVERAL_UNITS if kind == "input" else episode.unit
    reason = " ".join(("storm", kind, *([episode.input] if kind != "unit" else [])))
    place = place_of(kind, episode.patient_id, episode.unit, episode.input)
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
