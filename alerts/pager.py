"""The pager: takes pages from the outbox and hands them to their channels until each is accepted or given up, visibly."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from random import SystemRandom

import psycopg

from alerts import outbox
from alerts.channels.channel import Accepted, Channel, Page, Refused
from alerts.outbox import Claimed
from infra.logs import logger
from infra.metrics import Metrics
from infra.settings import PageSettings

log = logger("alerts")

AT_ONCE = 16
"""Pages one pager sends side by side; a provider's rate limit is far above, and a storm still drains."""
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0

_random = SystemRandom()


class Pager:
    """One process; several share the outbox. Times here are real seconds: providers know no demo clock."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection], channels: Mapping[str, Channel], settings: PageSettings, metrics: Metrics,
        link: str, now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._connect, self._channels, self._settings, self._metrics = connect, channels, settings, metrics
        self._link, self._now = link, now
        self._unrecorded: list[tuple[Claimed, Accepted | Refused]] = []

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop. A database that is away is waited for; pages wait in it."""
        while not stopping.is_set():
            try:
                with self._connect() as work, self._connect() as hints:
                    work.autocommit = hints.autocommit = True
                    await self._serve(work, hints, stopping)
            except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as away:  # away, or not migrated yet
                log.warning("database_away", error=type(away).__name__)
                await asyncio.sleep(self._settings.poll_s)

    async def _serve(self, work: psycopg.Connection, hints: psycopg.Connection, stopping: asyncio.Event) -> None:
        """Claims as many as may be sent side by side; a slow provider holds up its own pages and no others."""
        hints.execute("LISTEN vigil_page")
        self._catch_up(work)
        sending: set[asyncio.Task[None]] = set()
        hint = asyncio.create_task(asyncio.to_thread(self._wait, hints))
        try:
            while not stopping.is_set():
                pages = outbox.claim(work, self._settings.lease_s, AT_ONCE - len(sending)) if len(sending) < AT_ONCE else []
                sending |= {asyncio.create_task(self._deliver(work, page)) for page in pages}
                self._tell(work)
                if not pages:
                    done, _ = await asyncio.wait({hint, *sending}, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                    sending -= done
                    if hint in done and not stopping.is_set():
                        hint = asyncio.create_task(asyncio.to_thread(self._wait, hints))
        finally:
            await asyncio.gather(hint, *sending, return_exceptions=True)

    def _wait(self, hints: psycopg.Connection) -> None:
        """NOTIFY wakes at once, the poll is what is relied on."""
        for _ in hints.notifies(timeout=self._settings.poll_s, stop_after=1):
            break

    async def _deliver(self, work: psycopg.Connection, page: Claimed) -> None:
        outcome = await self._send(page)
        try:
            self._settle(work, page, outcome)
        except psycopg.OperationalError:
            self._unrecorded.append((page, outcome))
            raise

    def _catch_up(self, work: psycopg.Connection) -> None:
        """What became of pages while the database was away is written down first, so that none is sent twice for that."""
        while self._unrecorded:
            self._settle(work, *self._unrecorded[0])
            del self._unrecorded[0]

    async def _send(self, page: Claimed) -> Accepted | Refused:
        channel = self._channels.get(page.channel)
        if channel is None:
            return Refused(permanent=True, detail=f"no channel named {page.channel}; set page.channels")
        message = Page(
            page_id=page.page_id, tier=page.tier, unit=page.unit, created_at=page.created_at, link=f"{self._link}/p/{page.token}"
        )  # fmt: skip
        try:
            return await channel.send(message, page.target)
        except Exception as bug:  # the one boundary where a bug may not stop everybody else's pages
            return Refused(permanent=False, detail=f"{page.channel} failed with {type(bug).__name__}")

    def _settle(self, connection: psycopg.Connection, page: Claimed, outcome: Accepted | Refused) -> None:
        counted = self._metrics.pages_total
        match outcome:
            case Accepted(provider_ref=provider_ref):
                now = self._now()
                if outbox.accepted(connection, page, provider_ref, now):
                    self._metrics.score_to_accept_seconds.observe(max(0.0, (now - page.created_at).total_seconds()))
                    self._metrics.receipt_to_page_seconds.observe(max(0.0, (now - page.received_at).total_seconds()))
                counted.labels(channel=page.channel, outcome="accepted").inc()
                log.info("page_accepted", page=page.page_id, tier=page.tier, channel=page.channel, attempts=page.attempts)
            case Refused(permanent=permanent, detail=detail):
                gone = permanent or page.age_s > self._settings.give_up_s
                if gone:
                    outbox.failed(connection, page, detail if permanent else f"given up after {page.age_s:.0f} s: {detail}")
                else:
                    outbox.retry(connection, page, detail, delay_s(page.attempts))
                counted.labels(channel=page.channel, outcome="failed" if gone else "retried").inc()
                log.warning("page_failed" if gone else "page_retried", page=page.page_id, channel=page.channel, detail=detail)

    def _tell(self, connection: psycopg.Connection) -> None:
        count, oldest_s = outbox.waiting(connection)
        self._metrics.pages_pending.set(count)
        self._metrics.oldest_pending_page_seconds.set(oldest_s)


def delay_s(attempts: int) -> float:
    """Before the next attempt: doubling, with jitter, so that many pagers do not knock at once after an outage."""
    longest = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** (attempts - 1))
    return longest * (0.5 + _random.random() / 2)
