"""The outbox at the database's side: pages are claimed under a lease, and what became of each is written down."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from secrets import token_urlsafe

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
    step: int
    channel: str
    target: str
    attempts: int
    token: str
    created_at: datetime
    received_at: datetime
    may_repeat: bool
    age_s: float
    alerts: int = 1


def put(
    cursor: psycopg.Cursor, *, episode_id: str, tier: str, unit: str | None, step: int, person: str | None, channel: str, target: str, now: datetime,
    received_at: datetime, error: str | None = None, key: str = "",
) -> str:  # fmt: skip
    """Writes a page within the caller's transaction, once for an episode, step, channel and target, or once for a `key`; tells its id.

    With an `error` it has failed before it began.
    """
    key = key or f"{episode_id}/{tier}/{step}/{channel}/{target}"
    page_id = "pg-" + blake2b(key.encode(), digest_size=10).hexdigest()
    cursor.execute(
        SQL["put_page"].encode(),
        {
            "page_id": page_id, "dedup_key": key, "episode_id": episode_id, "tier": tier, "unit": unit,
            "step": step, "person": person, "channel": channel, "target": target, "state": "pending" if error is None else "failed",
            "token": token_urlsafe(18), "created_at": now, "received_at": received_at, "last_error": error,
        },
    )  # fmt: skip
    return page_id


def claim(
    connection: psycopg.Connection, lease_s: float, limit: int, *, only: str | None = None, but: Sequence[str] = ()
) -> Sequence[Claimed]:
    """Takes up to `limit` due pages, the gravest tier first; also those whose pager died with them, which may repeat.

    `only`: of this channel; `but`: of none of these.
    """
    names = {"lease": timedelta(seconds=lease_s), "limit": limit, "only": only, "but": list(but)}
    with connection.transaction():
        connection.execute(SQL["withdraw_expired"].encode())
        rows = connection.execute(SQL["claim"].encode(), names).fetchall()
    return [msgspec.convert(dict(zip(Claimed.__struct_fields__, row, strict=True)), Claimed) for row in rows]


def accepted(connection: psycopg.Connection, page: Claimed, provider_ref: str | None, at: datetime, *, told: bool = True) -> bool:
    """The provider has it, which is true whatever became of the page meanwhile. False where that was known already. `told`: whether that reaches people.

    The episode is locked before its page, here as in every other transaction, so that none can wait for each other.
    """
    with connection.transaction():
        if told:
            connection.execute(SQL["episode_notified"].encode(), {"episode_id": page.episode_id})
        moved = connection.execute(SQL["accepted"].encode(), {"page_id": page.page_id, "provider_ref": provider_ref, "at": at})
    return moved.rowcount == 1


def retry(connection: psycopg.Connection, page: Claimed, error: str, delay_s: float, *, unknown: bool = False) -> None:
    """Not accepted, or nobody knows (`unknown`: then it may repeat): it is sent again, with the same id; not where it was answered or is over,
    nor by one whose lease another has."""
    with connection.transaction():
        connection.execute(SQL["retry"].encode(), _fenced(page, error) | {"delay": timedelta(seconds=delay_s), "unknown": unknown})


def failed(connection: psycopg.Connection, page: Claimed, error: str) -> None:
    """Given up: visible in `vigil.pages`, in the metrics and on the board."""
    with connection.transaction():
        connection.execute(SQL["failed"].encode(), _fenced(page, error))


def _fenced(page: Claimed, error: str) -> dict[str, object]:
    """`attempts` tells this claim of a page from any later one."""
    return {"page_id": page.page_id, "attempts": page.attempts, "error": error}


def note_down(connection: psycopg.Connection, channel: str, failing_for_s: float) -> None:
    """Pages that wait for a provider that is down have waited as long as it has been: another way to the same person is due accordingly."""
    names = {"channel": channel, "failing_for": timedelta(seconds=failing_for_s), "error": f"{channel} does not answer"}
    with connection.transaction():
        connection.execute(SQL["note_down"].encode(), names)


def give_up(connection: psycopg.Connection, after_s: float) -> Sequence[tuple[str, str, str]]:
    """Fails, visibly, what was tried or waited for a provider that is down, and could not be sent in time: page id, channel and tier of each."""
    with connection.transaction():
        rows = connection.execute(SQL["give_up"].encode(), {"give_up": timedelta(seconds=after_s)}).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


def waiting(connection: psycopg.Connection) -> tuple[int, float]:
    """How many pages no provider has accepted yet, and the age of the oldest in seconds."""
    with connection.transaction():
        row = connection.execute(SQL["waiting"].encode()).fetchone()
    return (int(row[0]), float(row[1])) if row else (0, 0.0)
