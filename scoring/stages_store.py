"""Reads and writes where model versions stand with the evidence for it, and which feeds drift."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from infra.database.sql import statements
from scoring.drift import Drift
from scoring.stages import Change, Evidence, Standing

SQL = statements("scoring", "stages_store.sql")


def standings(cursor: psycopg.Cursor, model: str) -> list[Standing]:
    """Of every version that anybody has said anything about."""
    rows = cursor.execute(SQL["standings"].encode(), {"model": model}).fetchall()
    return [msgspec.convert(dict(zip(Standing.__struct_fields__, row, strict=True)), Standing) for row in rows]


def evidence(cursor: psycopg.Cursor, model: str, version: str, since: datetime | None = None) -> Evidence:
    """Of the scores a version has made in the stage it is in, or since."""
    row = cursor.execute(SQL["evidence"].encode(), {"model": model, "version": version, "since": since}).fetchone()
    scores, abstained, hours = row or (0, 0, 0.0)
    return Evidence(scores=scores, abstained=abstained, hours=hours)


def write(
    cursor: psycopg.Cursor, change: Change, standing: Standing, found: Evidence, displaced: Sequence[Standing], actor: str, now: datetime
) -> None:
    """One row for the change and one for each that gives way, in the caller's transaction."""
    cursor.execute(SQL["lock"].encode())
    rows = [(standing, change.signed_by, found, change.reason)]
    rows += [
        (msgspec.structs.replace(one, stage="shadow", units=()), (), Evidence(), f"{change.version} took its place") for one in displaced
    ]
    for one, signed_by, seen, reason in rows:
        names = {name: getattr(one, name) for name in one.__struct_fields__}
        cursor.execute(
            SQL["put"].encode(),
            names
            | {
                "units": list(one.units), "at": now, "actor": actor, "signed_by": list(signed_by), "evidence": Jsonb(msgspec.to_builtins(seen)),
                "reason": reason,
            },
        )  # fmt: skip


def put_drifts(cursor: psycopg.Cursor, found: Sequence[Drift]) -> None:
    """Says what a worker sees now, again while it lasts."""
    for one in sorted(found, key=lambda drift: (drift.feed, drift.quantity)):
        cursor.execute(SQL["put_drift"].encode(), msgspec.to_builtins(one))


def drifts(cursor: psycopg.Cursor, within_s: float) -> list[Drift]:
    """What some worker has seen within so many seconds."""
    rows = cursor.execute(SQL["drifts"].encode(), {"within_s": within_s}).fetchall()
    return [msgspec.convert(dict(zip(Drift.__struct_fields__, row, strict=True)), Drift) for row in rows]
