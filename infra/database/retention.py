"""Makes the database keep facts as long as the settings say: TimescaleDB from then on by itself, a plain PostgreSQL once a call."""

from collections.abc import Mapping
from datetime import timedelta

import psycopg
from msgspec import Struct

from infra.database.sql import statements

SQL = statements("infra.database", "retention.sql")

TABLES: Mapping[str, tuple[str, ...]] = {
    "messages": ("vigil_store.message",),
    "observations": ("vigil_store.observation", "vigil_store.vitals_hourly"),
    "scores": ("vigil_store.score",),
}
"""The hourly figures go with the observations they were made of, as they do where they are a view."""


class Kept(Struct, frozen=True, kw_only=True):
    """One kind of fact. `days`: 0 is for ever; `deleted`: rows deleted by this call, None where TimescaleDB drops whole days by itself."""

    facts: str
    days: int
    deleted: int | None


def apply(connection: psycopg.Connection, days: Mapping[str, int]) -> list[Kept]:
    """`days`: how many for each kind in TABLES, 0 for ever. One transaction; the caller commits."""
    with connection.cursor() as cursor:
        policies = cursor.execute(SQL["has_policies"].encode()).fetchone() == (True,)
        if policies:
            for facts in TABLES:
                _policy(cursor, facts, days[facts])
            return [Kept(facts=facts, days=days[facts], deleted=None) for facts in TABLES]
        return [Kept(facts=facts, days=days[facts], deleted=_delete(cursor, facts, days[facts])) for facts in TABLES]


def _policy(cursor: psycopg.Cursor, facts: str, days: int) -> None:
    for table in TABLES[facts]:
        cursor.execute(SQL["keep_for_ever"].encode(), {"table": table})
        if days:
            cursor.execute(SQL["keep"].encode(), {"table": table, "age": timedelta(days=days)})


def _delete(cursor: psycopg.Cursor, facts: str, days: int) -> int:
    return cursor.execute(SQL[f"delete_{facts}"].encode(), {"age": timedelta(days=days)}).rowcount if days else 0
