"""Whether a contact reaches whom it should: a code is sent there, and whoever got it says it back."""

from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from secrets import randbelow
from typing import Final

import psycopg

from alerts import ledger
from alerts.people import Contact
from infra.database.sql import statements

SQL = statements("alerts", "contacts.sql")
VALID_FOR: Final = timedelta(minutes=30)
"""Of Vigil's time: long enough to find the pager, too short to hand the code on by letter."""
GUESSES: Final = 5
"""Of a million codes."""


def new_code(cursor: psycopg.Cursor, person: str, contact: Contact, now: datetime) -> str:
    """Six digits to send there; only their hash is kept, and only the last code holds."""
    code = f"{randbelow(10**6):06}"
    cursor.execute(SQL["put_code"].encode(), _names(person, contact) | {"code_hash": _hash(person, code), "at": now})
    return code


def verify(cursor: psycopg.Cursor, person: str, contact: Contact, code: str, by: str, now: datetime) -> bool:
    """Whether the code is the one that was sent there; then the contact is verified, and the audit log knows by whom."""
    names = _names(person, contact) | {"since": now - VALID_FOR, "most": GUESSES, "at": now}
    row = cursor.execute(SQL["guess"].encode(), names).fetchone()
    if row is None or not compare_digest(str(row[0]), _hash(person, code)):
        return False
    cursor.execute(SQL["verified"].encode(), names)
    ledger.put(cursor, now, by, "contact_verified", person, {"channel": contact.channel})
    return True


def verified(cursor: psycopg.Cursor) -> frozenset[tuple[str, Contact]]:
    """All that are: a contact whose target has changed since is not."""
    rows = cursor.execute(SQL["all_verified"].encode()).fetchall()
    return frozenset((row[0], Contact(channel=row[1], target=row[2])) for row in rows)


def _names(person: str, contact: Contact) -> dict[str, object]:
    return {"person": person, "channel": contact.channel, "target": contact.target}


def _hash(person: str, code: str) -> str:
    return sha256(f"{person}/{code}".encode()).hexdigest()
