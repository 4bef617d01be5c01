"""The outbox at the database's side: pages are claimed under a lease, and what became of each is written down."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import psycopg
from msgspec import Struct

from infra.database.sql import statements

SQL = statements("alerts", "outbox.sql")


class Claimed(Struct, frozen=True, kw_only=True):
    """A page that this pager may send until its lease ends; then another may, with the same page id."""

    page_id: str
    dedup_key: str
    episode_id: str
    tier: str
    unit: str | None
    channel: str
    target: str
    attempts: int
    token: str
    created_at: datetime
    received_at: datetime
    age_s: float


def claim(connection: psycopg.Connection, lease_s: float, limit: int) -> Sequence[Claimed]:
    """Takes up to `limit` due pages, the gravest tier first; also those whose pager died with them."""
    with connection.transaction():
        connection.execute(SQL["withdraw_expired"].encode())
        rows = connection.execute(SQL["claim"].encode(), {"lease": timedelta(seconds=lease_s), "limit": limit}).fetchall()
    return [msgspec.convert(dict(zip(Claimed.__struct_fields__, row, strict=True)), Claimed) for row in rows]


def accepted(connection: psycopg.Connection, page: Claimed, provider_ref: str | None, at: datetime) -> bool:
    """The provider has it, which is true whatever became of the page meanwhile. False where that was known already.

    The episode is locked before its page, here as in every other transaction, so that none can wait for each other.
    """
    with connection.transaction():
        connection.execute(SQL["episode_notified"].encode(), {"episode_id": page.episode_id})
        moved = connection.execute(SQL["accepted"].encode(), {"page_id": page.page_id, "provider_ref": provider_ref, "at": at})
    return moved.rowcount == 1


def retry(connection: psycopg.Connection, page: Claimed, error: str, delay_s: float) -> None:
    """Not accepted, or nobody knows: it is sent again, with the same id; not where it was answered or is over, nor by one whose lease another has."""
    with connection.transaction():
        connection.execute(SQL["retry"].encode(), _fenced(page, error) | {"delay": timedelta(seconds=delay_s)})


def failed(connection: psycopg.Connection, page: Claimed, error: str) -> None:
    """Given up: visible in `vigil.pages`, in the metrics and on the board."""
    with connection.transaction():
        connection.execute(SQL["failed"].encode(), _fenced(page, error))


def _fenced(page: Claimed, error: str) -> dict[str, object]:
    """`attempts` tells this claim of a page from any later one."""
    return {"page_id": page.page_id, "attempts": page.attempts, "error": error}


def waiting(connection: psycopg.Connection) -> tuple[int, float]:
    """How many pages no provider has accepted yet, and the age of the oldest in seconds."""
    with connection.transaction():
        row = connection.execute(SQL["waiting"].encode()).fetchone()
    return (int(row[0]), float(row[1])) if row else (0, 0.0)
