"""Duties at the database's side: swaps, days off and imported shifts, each change of them in the audit log."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import psycopg

from alerts import ledger
from alerts.schedule import Duty
from infra.database.sql import statements

SQL = statements("alerts", "escalation.sql")


def between(cursor: psycopg.Cursor, since: datetime, until: datetime) -> tuple[Duty, ...]:
    """Those that touch [since, until), in the order in which they were agreed."""
    rows = cursor.execute(SQL["duties"].encode(), {"since": since, "until": until}).fetchall()
    return tuple(Duty(**dict(zip(Duty.__struct_fields__, row, strict=True))) for row in rows)


def agree(cursor: psycopg.Cursor, duty: Duty, by: str, now: datetime) -> str:
    """Writes one down and tells its id."""
    number = _put(cursor, duty, by, now)
    ledger.put(cursor, now, by, "duty", duty.team, {"duty": number, "person": duty.person or "", "instead_of": duty.instead_of or ""})
    return number


def drop(cursor: psycopg.Cursor, duty_id: str, by: str, now: datetime) -> bool:
    """Takes one back. False where there is none of that id."""
    row = cursor.execute(SQL["drop_duty"].encode(), {"duty_id": duty_id}).fetchone()
    if row is not None:
        ledger.put(cursor, now, by, "duty_dropped", row[0], {"duty": duty_id})
    return row is not None


def bring_in(cursor: psycopg.Cursor, found: Sequence[Duty], source: str, teams: Iterable[str], by: str, now: datetime) -> None:
    """Puts imported shifts in place of what the same source brought for these teams before: importing twice is importing once."""
    named = sorted({*teams, *(one.team for one in found)})
    cursor.execute(SQL["drop_imported"].encode(), {"teams": named, "source": source})
    for duty in found:
        _put(cursor, duty, by, now)
    ledger.put(cursor, now, by, "duties_imported", source, {"teams": " ".join(named), "count": str(len(found))})


def _put(cursor: psycopg.Cursor, duty: Duty, by: str, now: datetime) -> str:
    names = {name: getattr(duty, name) for name in Duty.__struct_fields__ if name != "duty_id"} | {"by": by, "at": now}
    row = cursor.execute(SQL["put_duty"].encode(), names).fetchone()
    return str(row[0]) if row else ""
