"""What providers tell of pages after they took them: a page that was not delivered after all has failed, and goes on to the next way or person at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import psycopg

from infra.database.sql import statements

SQL = statements("alerts", "receipts.sql")
AT_ONCE: Final = 200
LONG_AGO: Final = timedelta(hours=1)
"""A receipt of a page that is still being tried an hour later speaks of an attempt that nobody waits for any more."""

Delivery = Literal["delivered", "failed"]


def put(
    connection: psycopg.Connection, channel: str, page_id: str, provider_ref: str, outcome: Delivery, detail: str, now: datetime
) -> Sequence[str]:
    """Keeps a receipt, once, and acts on it as far as that can be done yet, as `apply` tells. `provider_ref` is empty where the provider has no name for an attempt."""
    names = {"channel": channel, "page_id": page_id, "provider_ref": provider_ref, "outcome": outcome, "detail": detail, "at": now}
    with connection.transaction():
        connection.execute(SQL["put_receipt"].encode(), names)
    return apply(connection, now)


def apply(connection: psycopg.Connection, now: datetime) -> Sequence[str]:
    """Acts on receipts that came before the page's acceptance was written down, too; tells the channel of each page that has failed by them.

    A page is not failed by a receipt for an attempt that is not the one the provider accepted last, nor where it was answered.
    """
    with connection.transaction():
        waiting = connection.execute(SQL["waiting"].encode(), {"limit": AT_ONCE, "long_ago": now - LONG_AGO}).fetchall()
    failed = list[str]()
    for page_id, provider_ref, outcome, detail, received_at, episode_id, channel in waiting:
        names = {
            "page_id": page_id, "provider_ref": provider_ref, "outcome": outcome, "detail": detail, "episode_id": episode_id, "at": received_at,
        }  # fmt: skip
        with connection.transaction():  # the episode before its page, here as everywhere
            connection.execute(SQL["lock_episode"].encode(), names)
            if connection.execute(SQL["applied"].encode(), names | {"at": now}).rowcount == 0:
                continue
            if outcome == "delivered":
                connection.execute(SQL["delivered"].encode(), names)
            elif connection.execute(SQL["undelivered"].encode(), names).fetchone() is not None:
                connection.execute(SQL["notify"].encode())
                failed.append(channel)
    return failed
