"""The pager: takes pages from the outbox and hands them to their channels until each is accepted or given up, visibly; takes the steps that are due."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from random import SystemRandom
from typing import TypeVar

import psycopg

from alerts import chart, coverage, endings, outbox, receipts, replies
from alerts.channels.channel import Accepted, Answering, Channel, Page, Refused
from alerts.channels.configured import filing, following
from alerts.channels.kinds import for_patients, silent
from alerts.gate import Gate
from alerts.outbox import Claimed
from alerts.roster_file import CurrentRoster, no_roster
from alerts.steps import AT_ONCE as MANY
from alerts.steps import Steps
from alerts.write_back_sending import Writing
from infra.database.connect import AWAY
from infra.logs import logger
from infra.metrics import Metrics
from infra.settings import ChannelSettings, PageSettings

log = logger("alerts")

AT_ONCE = 16
"""Pages one pager sends side by side on one channel; a provider's rate limit is far above, a storm still drains, and a slow provider holds up no other."""
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
TELL_GAPS_S = 600.0

_random = SystemRandom()
T = TypeVar("T")


class Pager:
    """One process; several share the outbox. Times here are real seconds, for providers know no demo clock; only the steps' are Vigil's."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection], channels: Mapping[str, Channel], settings: PageSettings, metrics: Metrics,
        link: str, now: Callable[[], datetime], roster: CurrentRoster = no_roster, answering: Mapping[str, Answering] | None = None,
    ) -> None:  # fmt: skip
        self._connect, self._channels, self._settings, self._metrics = connect, channels, settings, metrics
        self._link, self._now, self._roster, self._answering = link, now, roster, answering or {}
        self._following, self._for_patients, self._silent = following(settings, channels), for_patients(settings), silent(settings)
        self._steps = Steps(roster, settings.routes, metrics, settings.fallback_s, self._silent)
        self._gates = {name: Gate(settings.channels.get(name, ChannelSettings(kind="")).per_minute) for name in channels}
        self._writing = Writing(filing(settings, channels), settings, self._gates, metrics, now)
        self._unrecorded: list[tuple[Claimed, Accepted | Refused]] = []
        self._look, self._gaps_told_at = True, -TELL_GAPS_S

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop. A database that is away is waited for; pages wait in it."""
        while not stopping.is_set():
            try:
                with self._connect() as work, self._connect() as hints:
                    work.autocommit = hints.autocommit = True
                    await self._serve(work, hints, stopping)
            except (*AWAY, psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as away:  # away, or not migrated yet
                log.warning("database_away", error=type(away).__name__)
                await asyncio.sleep(self._settings.poll_s)

    async def _serve(self, work: psycopg.Connection, hints: psycopg.Connection, stopping: asyncio.Event) -> None:
        """Claims as many as may be sent side by side; a slow provider holds up its own pages and no others."""
        hints.execute("LISTEN vigil_page")
        self._catch_up(work)
        self._look = True
        sending: dict[asyncio.Task[None], str] = {}
        hint = asyncio.create_task(asyncio.to_thread(self._wait, hints))
        asking = asyncio.gather(self._ask(work, stopping), self._tell(work, stopping), self._writing.run(work, stopping))
        try:
            while not stopping.is_set():
                if self._look:
                    self._keep(work)
                pages = self._claim(work, list(sending.values()))
                sending |= {asyncio.create_task(self._deliver(work, page)): page.channel for page in pages}
                if pages:
                    continue
                done, _ = await asyncio.wait({hint, *sending}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                    sending.pop(task, None)
                if asking.done():
                    asking.result()
                if hint in done and not stopping.is_set():
                    self._look = True
                    hint = asyncio.create_task(asyncio.to_thread(self._wait, hints))
        finally:
            asking.cancel()
            await asyncio.gather(hint, asking, *sending, return_exceptions=True)

    async def _ask(self, work: psycopg.Connection, stopping: asyncio.Event) -> None:
        """Now and then asks after the answers of two-way pagers, and acts on receipts; not of providers that are down."""
        while not stopping.is_set():
            await replies.collect(work, self._there(self._answering), self._metrics, self._now)
            for channel in receipts.apply(work, self._now()):
                self._metrics.pages_total.labels(channel=channel, outcome="undelivered").inc()
                self._look = True
            await asyncio.sleep(self._settings.reply_s)

    async def _tell(self, work: psycopg.Connection, stopping: asyncio.Event) -> None:
        """Now and then tells providers how pages ended; one that is slow to hear it keeps nobody's answer waiting."""
        while not stopping.is_set():
            await endings.tell(work, self._there(self._following))
            await asyncio.sleep(self._settings.reply_s)

    def _there(self, ways: Mapping[str, T]) -> Mapping[str, T]:
        return {name: way for name, way in ways.items() if not self._gates[name].shut(time.monotonic())}

    def _wait(self, hints: psycopg.Connection) -> None:
        """NOTIFY wakes at once, the poll is what is relied on."""
        for _ in hints.notifies(timeout=self._settings.poll_s, stop_after=1):
            break

    def _keep(self, work: psycopg.Connection) -> None:
        """What is due whether or not a page is: what waits for a provider that is down, what waited too long, the next steps, the figures."""
        self._look, at = False, time.monotonic()
        for channel, gate in self._gates.items():
            self._metrics.channel_down.labels(channel=channel).set(gate.shut(at))
            if gate.shut(at):
                outbox.note_down(work, channel, gate.failing_for(at))
        for page_id, channel, tier in outbox.give_up(work, self._settings.give_up_s):
            self._metrics.pages_total.labels(channel=channel, outcome="failed").inc()
            log.warning("page_failed", page=page_id, tier=tier, channel=channel, detail="not sent in time")
        self._look = self._steps.take_due(work, self._now()) >= MANY
        count, oldest_s = outbox.waiting(work)
        self._metrics.pages_pending.set(count)
        self._metrics.oldest_pending_page_seconds.set(oldest_s)
        roster = self._roster()
        if roster is not None and at - self._gaps_told_at >= TELL_GAPS_S:
            self._gaps_told_at = at
            coverage.tell(work, roster, self._metrics, self._now())

    def _claim(self, work: psycopg.Connection, sending: list[str]) -> list[Claimed]:
        """As many of each channel as its provider may be asked now; and those of channels that nobody set up, which will be told."""
        at, found = time.monotonic(), list[Claimed]()
        for channel, gate in self._gates.items():
            room = gate.room(at, AT_ONCE - sending.count(channel))
            if room > 0:
                mine = outbox.claim(work, self._settings.lease_s, room, only=channel)
                gate.sent(len(mine), at)
                found += mine
        return found + list(outbox.claim(work, self._settings.lease_s, AT_ONCE, but=list(self._gates)))

    async def _deliver(self, work: psycopg.Connection, page: Claimed) -> None:
        outcome = await self._send(work, page)
        gate = self._gates.get(page.channel)
        if gate is not None:
            if isinstance(outcome, Refused) and not outcome.permanent:
                gate.failed(time.monotonic())
            else:
                gate.worked()
        try:
            self._settle(work, page, outcome)
        except AWAY:
            self._unrecorded.append((page, outcome))
            raise

    def _catch_up(self, work: psycopg.Connection) -> None:
        """What became of pages while the database was away is written down first, so that none is sent twice for that."""
        while self._unrecorded:
            self._settle(work, *self._unrecorded[0])
            del self._unrecorded[0]

    async def _send(self, work: psycopg.Connection, page: Claimed) -> Accepted | Refused:
        channel = self._channels.get(page.channel)
        if channel is None:
            return Refused(permanent=True, detail=f"no channel named {page.channel}; set page.channels")
        if page.may_repeat:
            self._metrics.pages_may_repeat_total.labels(channel=page.channel).inc()
            log.warning("page_may_repeat", page=page.page_id, channel=page.channel, attempts=page.attempts)
        message = Page(
            page_id=page.page_id, tier=page.tier, unit=page.unit, created_at=page.created_at, link=f"{self._link}/p/{page.token}",
            may_repeat=page.may_repeat, chart=chart.about(work, page.page_id) if page.channel in self._for_patients else None, alerts=page.alerts,
        )  # fmt: skip
        try:
            return await channel.send(message, page.target)
        except Exception as bug:  # the one boundary where a bug may not stop everybody else's pages
            return Refused(permanent=False, detail=f"{page.channel} failed with {type(bug).__name__}", unknown=True)

    def _settle(self, connection: psycopg.Connection, page: Claimed, outcome: Accepted | Refused) -> None:
        counted = self._metrics.pages_total
        match outcome:
            case Accepted(provider_ref=provider_ref):
                now, told = self._now(), page.channel not in self._silent
                if outbox.accepted(connection, page, provider_ref, now, told=told) and told:
                    self._metrics.score_to_accept_seconds.observe(max(0.0, (now - page.created_at).total_seconds()))
                    if page.step == 0:
                        self._metrics.receipt_to_page_seconds.observe(max(0.0, (now - page.received_at).total_seconds()))
                counted.labels(channel=page.channel, outcome="accepted").inc()
                log.info("page_accepted", page=page.page_id, tier=page.tier, channel=page.channel, step=page.step, attempts=page.attempts)
            case Refused(permanent=permanent, detail=detail, unknown=unknown):
                gone = permanent or page.age_s > self._settings.give_up_s
                if gone:
                    outbox.failed(connection, page, detail if permanent else f"given up after {page.age_s:.0f} s: {detail}")
                    self._look = True  # the next channel or person, at once
                else:
                    outbox.retry(connection, page, detail, delay_s(page.attempts), unknown=unknown)
                counted.labels(channel=page.channel, outcome="failed" if gone else "retried").inc()
                log.warning("page_failed" if gone else "page_retried", page=page.page_id, channel=page.channel, detail=detail)


def delay_s(attempts: int) -> float:
    """Before the next attempt: doubling, with jitter, so that many pagers do not knock at once after an outage."""
    longest = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** (attempts - 1))
    return longest * (0.5 + _random.random() / 2)
