"""The audit log: who did what, each entry hashed together with the one before, so that none can be changed or taken out unseen."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from infra.database.sql import statements

SQL = statements("alerts", "ledger.sql")


def chained(before: str, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, str]) -> str:
    """The hash of an entry that follows the one whose hash is `before`."""
    return sha256(
        msgspec.json.encode([before, at.astimezone(UTC).isoformat(), actor, action, subject, dict(sorted(detail.items()))])
    ).hexdigest()


def first_broken(cursor: psycopg.Cursor) -> int | None:
    """The number of the first entry that is not what it was when it was made, or whose predecessor is gone; None where all stand."""
    before = ""
    for number, at, actor, action, subject, detail, found in cursor.execute(SQL["whole_audit"].encode()):
        if chained(before, at, actor, action, subject, detail) != found:
            return int(number)
        before = found
    return None


def put(cursor: psycopg.Cursor, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, str]) -> None:
    """Adds an entry within the caller's transaction; entries are made one after the other."""
    cursor.execute(SQL["lock_audit"].encode())
    last = cursor.execute(SQL["last_audit"].encode()).fetchone()
    cursor.execute(
        SQL["put_audit"].encode(),
        {
            "at": at, "actor": actor, "action": action, "subject": subject, "detail": Jsonb(dict(detail)),
            "hash": chained(last[0] if last else "", at, actor, action, subject, detail),
        },
    )  # fmt: skip
