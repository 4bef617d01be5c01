"""Tells providers what became of the pages they took: an alert is acknowledged and resolved with its page, a call that still rings is stopped."""

from collections.abc import Mapping
from typing import Final

import psycopg

from alerts.channels.channel import Following
from infra.database.sql import statements
from infra.logs import logger

SQL = statements("alerts", "endings.sql")
AT_ONCE: Final = 20
"""In one round, the latest first: whoever's telephone rings just now is told before an alert of last night is tidied away."""

log = logger("alerts")


async def tell(connection: psycopg.Connection, ways: Mapping[str, Following]) -> int:
    """One round over the channels whose providers are there; tells how many endings were told. What could not be told is told in a later round.

    Several pagers may tell the same; a provider minds that no more than a repeated page.
    """
    with connection.transaction():
        ended = connection.execute(SQL["untold"].encode(), {"channels": list(ways), "limit": AT_ONCE}).fetchall()
    away, told = set[str](), 0
    for page_id, channel, provider_ref, ending in ended:
        if channel in away:
            continue
        if not await ways[channel].follow(page_id, provider_ref, ending):
            away.add(channel)
            log.warning("ending_not_told", page=page_id, channel=channel, ending=ending)
            continue
        with connection.transaction():
            connection.execute(SQL["told"].encode(), {"page_id": page_id, "ending": ending})
        told += 1
    return told
