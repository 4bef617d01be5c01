"""Who may open the board by a secret of their own: granted, known again, and taken back. The database has only the secret's hash."""

from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe

import psycopg

from alerts import ledger
from infra.database.sql import statements

SQL = statements("alerts.board", "access.sql")
BYTES = 32
"""Of chance in a secret: so many that a hash without salt or stretching gives nothing away."""


def grant(cursor: psycopg.Cursor, name: str, by: str, now: datetime) -> str:
    """A new secret for a person, told this once; one that they had is void."""
    token = token_urlsafe(BYTES)
    cursor.execute(SQL["grant"].encode(), {"name": name, "hash": _hash(token), "at": now, "by": by})
    ledger.put(cursor, now, by, "board_granted", name, {})
    return token


def revoke(cursor: psycopg.Cursor, name: str, by: str, now: datetime) -> bool:
    """Takes it back at once; False where the person had none."""
    gone = cursor.execute(SQL["revoke"].encode(), {"name": name}).fetchone() is not None
    if gone:
        ledger.put(cursor, now, by, "board_revoked", name, {})
    return gone


def who(cursor: psycopg.Cursor, token: str) -> str | None:
    """Whose secret it is; None where it is nobody's."""
    row = cursor.execute(SQL["who"].encode(), {"hash": _hash(token)}).fetchone()
    return str(row[0]) if row else None


def everybody(cursor: psycopg.Cursor) -> list[tuple[str, datetime, str]]:
    """Name, since when, and by whom it was granted."""
    return [(row[0], row[1], row[2]) for row in cursor.execute(SQL["all"].encode())]


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
