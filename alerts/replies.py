"""Replies from pagers: two-way pages that were accepted are asked after, and what was pressed is taken as any other answer."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import psycopg

from alerts import answers
from alerts.answers import Answer
from alerts.channels.channel import Answering
from infra.database.sql import statements
from infra.logs import logger
from infra.metrics import Metrics

SQL = statements("alerts", "answers.sql")
AT_ONCE: Final = 50
"""Pages asked after in one round, the latest first: an old page is hardly answered any more."""

log = logger("alerts")


async def collect(connection: psycopg.Connection, ways: Mapping[str, Answering], metrics: Metrics, now: Callable[[], datetime]) -> int:
    """One round over the pages of these channels that wait for an answer; tells how many answers it took."""
    names = {"channels": list(ways), "limit": AT_ONCE}
    with connection.transaction():
        waiting = connection.execute(SQL["awaiting_reply"].encode(), names).fetchall()
    replies = await asyncio.gather(*(ways[channel].reply(provider_ref) for _, channel, provider_ref, _, _ in waiting))
    taken = 0
    for (page_id, channel, _, person, target), reply in zip(waiting, replies, strict=True):
        if reply is None:
            continue
        result, _ = answers.give(connection, page_id, Answer(kind=reply, by=person or f"{channel} {target}", via="pager"), now())
        metrics.answers_total.labels(kind=reply, result=result).inc()
        log.info("page_answered", page=page_id, kind=reply, result=result, via="pager")
        taken += 1
    return taken
