"""The batch writer: empties the buffer that Faust fills, a transaction at a time, and fills in a backlog while nothing new waits.

The pattern of design decision 3: no Faust tables, no `take()`, `concurrency=1`, acks only after the database has the batch.
"""

import asyncio
import faulthandler
import os
import sys
import time
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

import psycopg
from faust.types import TP, EventT, StreamT

from infra.database.connect import AWAY
from infra.logs import logger
from infra.metrics import Metrics
from infra.settings import WorkSettings
from streams import backlog, parts, topics
from streams.backlog import Range
from streams.backlog_reader import BacklogReader
from streams.beginnings import Place
from streams.lag import Lag
from streams.lookup import KafkaAway
from streams.progress import Gap
from streams.progress import reached as reached_by
from streams.reader import Reader
from streams.record import Record, Source, record_of
from streams.transaction import Recorded, Transactor

log = logger("streams")
S = TypeVar("S")
T = TypeVar("T")
Item = tuple[StreamT[Any], EventT[Any]]

WATCH_S = 2.0
LATE_S = 5.0
"""Real seconds that the oldest message must have waited before a backlog is put aside: a burst that is worked off in less is left in order."""
PRESENT = timedelta(seconds=5)
LEAST = 100
"""Messages of one partition that are worth a range of their own."""
FILL_MESSAGES = 100
"""Of a backlog a transaction, while the present may come in at any moment: it waits for one such transaction at most."""

WAKE_BEHIND_S = 120.0
"""Real seconds for which patients are not woken while messages wait: one of them may say what was done. Longer than that a deadline is not kept back."""
WAKE_ROUNDS = 20
"""Transactions of woken patients between two looks."""

REFUSED = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded, psycopg.errors.StatementTooComplex)
"""A value that the database will never take, however often it is offered. The last two are operational errors by class, and no outage."""


class DependencyAway(Exception):
    """Something the batch needs besides the database does not answer; the batch is tried again."""


class BatchWriter(Generic[S]):
    """Moves events from Faust into the database and acks them; the buffer is bounded, so an outage stops the reading, not the process."""

    def __init__(
        self, reader: Reader, transactor: Transactor[S], settings: WorkSettings, metrics: Metrics, on_recorded: Callable[[Recorded[S]], None],
        lag: Lag, past: BacklogReader,
    ) -> None:  # fmt: skip
        self._reader, self._transactor, self._settings, self._metrics = reader, transactor, settings, metrics
        self._on_recorded, self._lag, self._past = on_recorded, lag, past
        self._buffer: asyncio.Queue[Item | None] = asyncio.Queue(maxsize=settings.buffer_messages)
        self._ranges: list[Range] = []
        self._highs: Mapping[TP, int | None] = {}
        self._caught_up_at = time.monotonic()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batch")

    async def take(self, stream: Any) -> None:
        """The agent: hands every event to the buffer, un-acked."""
        manual = stream.noack()
        events: AsyncIterable[EventT[Any]] = manual.events()
        async for event in events:
            self._lag.taken(event.message)
            await self._buffer.put((manual, event))

    async def write(self) -> None:
        """Takes what has gathered as soon as the last batch is done, for ever. Anything unforeseen ends the process, which restarts clean."""
        try:
            while True:
                if self._buffer.empty() and await self._fill():
                    continue
                batch = [await self._buffer.get()]
                while len(batch) < self._settings.batch_messages and not self._buffer.empty():
                    batch.append(self._buffer.get_nowait())
                await self._record([item for item in batch if item is not None and self._follows(item[1])])
        except asyncio.CancelledError:
            raise
        except BaseException as bug:  # its text may hold PHI (psycopg puts rows into messages): only its name and place are told
            log.error("worker_bug", error=type(bug).__name__, place=_place(bug))
            faulthandler.dump_traceback(file=sys.stderr)
            os._exit(70)

    async def watch(self) -> None:
        """Tells how far behind this worker is, and puts a backlog aside where there is one."""
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                await self._look()
                await self._wake()
            except (*AWAY, DependencyAway):
                continue  # the writing tells of it

    async def settled(self, *_: object, **__: object) -> None:
        """After a rebalance: how many partitions this worker holds now; a spare worker holds none, and is ready all the same."""
        self._metrics.worker_settled.set(1)
        self._metrics.worker_partitions.set(len(self._reader.assigned()))

    async def forget(self, *_: object, **__: object) -> None:
        """After a rebalance everything is asked anew."""
        self._reader.forget()
        await self._aside(self._transactor.forget)

    async def _aside(self, call: Callable[[], T]) -> T:
        """In the one thread that touches the database."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _look(self) -> None:
        highs = self._reader.highwaters()
        self._lag.tell(highs, self._ranges)
        if self._lag.unread(highs) >= self._settings.backlog_messages and self._lag.oldest_s() >= LATE_S:
            await self._put_aside([(tp.topic, tp.partition) for tp in highs])
        assigned = self._reader.assigned()
        committed = self._reader.committed()
        found, reached = await self._aside(lambda: self._transactor.ask(lambda cursor: (backlog.ranges(cursor), reached_by(cursor))))
        if await self._reader.heed(committed, reached):
            await self._aside(self._transactor.forget)  # states in memory know what the restored database does not
        if late := await self._aside(self._transactor.give_up_parts):
            log.warning("parts_given_up", messages=late)
            self._metrics.quarantined_total.labels(reason=parts.INCOMPLETE[:3]).inc(late)
        self._ranges = [one for one in found if TP(one.topic, one.partition) in assigned]
        if self._ranges and self._buffer.empty():
            self._buffer.put_nowait(None)  # wakes the writer, which waits for something new

    async def _wake(self) -> None:
        """Has patients scored whose time has come though no message did; not while messages wait that may say what was done for them."""
        earlier, self._highs = self._highs, self._reader.highwaters()
        if earlier.keys() == self._highs.keys() and not self._ranges and self._lag.caught_up(earlier, self._reader.committed()):
            self._caught_up_at = time.monotonic()
        elif time.monotonic() - self._caught_up_at < WAKE_BEHIND_S:
            return
        partitions = sorted({tp.partition for tp in self._highs})
        for _ in range(WAKE_ROUNDS):
            woken = await self._aside(partial(self._transactor.wake, partitions))
            self._tell(woken)
            if not woken.scores:
                return

    async def _put_aside(self, places: Sequence[Place]) -> None:
        """What came in the last seconds is the present and stays in its order; all before it is put aside."""
        try:
            present = await self._aside(lambda: self._past.since(places, datetime.now(UTC) - PRESENT))
        except KafkaAway:
            return
        made = await self._aside(lambda: self._transactor.ask(lambda cursor: backlog.put_aside(cursor, present, LEAST)))
        if not made:  # a burst of the last seconds: that is the present, and is worked off in its order
            return
        log.warning("backlog_put_aside", messages=backlog.waiting(made), partitions=len(made))
        await self._reader.send_ahead({TP(one.topic, one.partition): one.until_offset for one in made})

    async def _fill(self) -> bool:
        """One transaction of the backlog; False where there is none."""
        if not self._ranges:
            return False
        found = self._ranges[0]
        try:
            recorded = await self._aside(lambda: self._fill_one(found))
        except Gap as gap:  # Kafka holds no longer what was acknowledged: the audit tells, and what is left of the range is not touched
            self._lost(gap)
            self._now_at(found, None)
            return True
        except (*AWAY, DependencyAway) as away:
            await self._wait(away, 0.5)
            return True
        if recorded is not None:
            self._metrics.worker_waiting.set(0)
            reached = recorded.taken[-1].record.source.offset + 1 if recorded.taken else None  # somebody else has filled it in
            self._now_at(found, reached)
            self._tell(recorded)
        return True

    def _now_at(self, found: Range, reached: int | None) -> None:
        """What is known of a range until the next look asks the database."""
        rest = [] if reached is None or reached >= found.until_offset else [replace(found, next_offset=reached)]
        self._ranges = [one for known in self._ranges for one in (rest if known.names == found.names else [known])]

    def _fill_one(self, found: Range) -> Recorded[S] | None:
        records = self._past.read(found, FILL_MESSAGES)
        return attempt(records, partial(self._transactor.fill, found)) if records else None

    def _follows(self, event: EventT[Any]) -> bool:
        if self._reader.follows(event.message):
            return True
        self._lag.done(event.message)
        return False

    async def _record(self, items: Sequence[Item]) -> None:
        if not items:
            return
        records = [_record_of(event) for _, event in items]
        delay_s = 0.1
        while True:
            try:
                recorded = await self._aside(partial(attempt, records, self._transactor.record))
                break
            except Gap as gap:
                items, records = self._back_to(gap, items, records)
                if not items:
                    return
            except (*AWAY, DependencyAway) as away:
                await self._wait(away, delay_s)
                delay_s = min(2.0, delay_s * 2)
        self._metrics.worker_waiting.set(0)
        for stream, event in items:
            await stream.ack(event)
            self._lag.done(event.message)
        self._tell(recorded)

    async def _wait(self, away: Exception, delay_s: float) -> None:
        """The partition waits, visibly: nothing is read past what could not be written."""
        self._metrics.worker_waiting.set(1)
        log.warning("dependency_away", error=type(away).__name__, retry_s=delay_s)
        await asyncio.sleep(delay_s)

    def _back_to(self, gap: Gap, items: Sequence[Item], records: Sequence[Record]) -> tuple[list[Item], list[Record]]:
        """Has the reader sent back to where the gap begins, and drops from the batch what lies beyond it."""
        tp = TP(gap.topic, gap.partition)
        self._lost(gap)
        self._reader.send_back(tp, gap.expected)
        for _, event in items:
            if event.message.tp == tp and event.message.offset >= gap.expected:
                self._lag.done(event.message)
        kept = [
            (item, record)
            for item, record in zip(items, records, strict=True)
            if (record.source.topic, record.source.partition) != (gap.topic, gap.partition) or record.source.offset < gap.expected
        ]
        return [item for item, _ in kept], [record for _, record in kept]

    def _lost(self, gap: Gap) -> None:
        log.error("offset_gap", topic=gap.topic, partition=gap.partition, expected=gap.expected, found=gap.found)
        self._metrics.offset_gaps_total.labels(topic=gap.topic).inc()

    def _tell(self, recorded: Recorded[S]) -> None:
        for taken in recorded.taken:
            kind = taken.message.type if taken.message else None
            self._metrics.messages_processed_total.labels(type=topics.type_label(kind), outcome=taken.outcome).inc()
            if taken.outcome == "quarantined":
                self._metrics.quarantined_total.labels(reason=(taken.reason or "207").split(":", 1)[0][:3]).inc()
        self._on_recorded(recorded)


def attempt(records: Sequence[Record], write: Callable[[Sequence[Record]], Recorded[S]]) -> Recorded[S]:
    """One transaction; where PostgreSQL refuses a value, one a record, so that only the record at fault is set aside. Raises as `write` does."""
    try:
        return write(records)
    except REFUSED:
        each = [_alone(record, write) for record in records]
        return Recorded(taken=[taken for one in each for taken in one.taken], scores=[score for one in each for score in one.scores])


def _alone(record: Record, write: Callable[[Sequence[Record]], Recorded[S]]) -> Recorded[S]:
    try:
        return write([record])
    except REFUSED as refusal:
        return write([replace(record, refused=f"207: the database refused it ({type(refusal).__name__})")])


def _record_of(event: EventT[Any]) -> Record:
    message = event.message
    headers: Mapping[str, bytes] | Sequence[tuple[str, bytes]] = message.headers or ()
    source = Source(topic=message.topic, partition=message.partition, offset=message.offset)
    return record_of(source, message.value, headers, message.timestamp)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown"
