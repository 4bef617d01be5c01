"""What people answer to a page: acknowledged once, by whoever was first; every further answer is told who that was."""

from datetime import datetime
from typing import Literal

import psycopg
from msgspec import Struct

from alerts import ledger
from infra.database.sql import statements

SQL = statements("alerts", "outbox.sql")


class Seen(Struct, frozen=True, kw_only=True):
    """A page as the person who holds its link may see it: no name, no number."""

    page_id: str
    episode_id: str
    tier: str
    unit: str | None
    bed: str | None
    state: str
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    episode_state: str
    reason: str
    closed_at: datetime | None


def look(cursor: psycopg.Cursor, token: str) -> Seen | None:
    """The page behind a link's token, or behind a page id."""
    row = cursor.execute(SQL["page_by_token"].encode(), {"token": token}).fetchone()
    return Seen(**dict(zip(Seen.__struct_fields__, row, strict=True))) if row else None


def acknowledge(
    connection: psycopg.Connection, token: str, by: str, now: datetime
) -> tuple[Literal["acknowledged", "already", "unknown"], Seen | None]:
    """Acknowledges the episode behind a link: all its pages, once. Answers that race are ordered by the database; the second is `already`.

    Whoever holds a page's link has got the page, whatever its provider said: it is not sent again.
    """
    with connection.transaction(), connection.cursor() as cursor:
        seen = look(cursor, token)
        if seen is None:
            return "unknown", None
        first = cursor.execute(SQL["acknowledge_episode"].encode(), {"episode_id": seen.episode_id}).fetchone() is not None
        pages = cursor.execute(
            SQL["acknowledge_pages"].encode(), {"episode_id": seen.episode_id, "page_id": seen.page_id, "at": now, "by": by}
        ).fetchall()
        if first or pages:
            ledger.put(cursor, now, by, "acknowledge", seen.episode_id, {"page": seen.page_id, "tier": seen.tier})
        return ("acknowledged" if first or pages else "already"), look(cursor, token)
