"""The Faust worker: one agent over the four raw topics that only fills a buffer, and a writer that empties it a transaction at a time.

The pattern of design decision 3: no Faust tables, no `take()`, `concurrency=1`, acks only after the database has the batch.
"""

import asyncio
import faulthandler
import os
import sys
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import faust
import psycopg
from faust.types import TP, EventT, StreamT

from infra.logs import logger
from infra.metrics import Metrics
from infra.settings import KafkaSettings, WorkSettings
from streams import topics
from streams.lag import Lag
from streams.processing import Taken
from streams.record import Record, Source, record_of
from streams.transaction import Gap, Recorded, Transactor

log = logger("streams")
S = TypeVar("S")

CHASE_S = 0.5
"""Between two attempts to send the reader back; a fetched batch is worked off in less."""


WATCH_S = 2.0


class DependencyAway(Exception):
    """Something the batch needs besides the database does not answer; the batch is tried again."""


def faust_app(kafka: KafkaSettings, work: WorkSettings, home: Path) -> faust.App:
    """The Faust application with the settings that design decision 3 measured; static membership makes a restart immediate."""
    datadir = home / "faust" / work.instance
    datadir.mkdir(parents=True, exist_ok=True)
    return faust.App(
        "vigil-work",
        broker=[f"kafka://{address}" for address in kafka.bootstrap.split(",")],
        datadir=datadir,
        store="memory://",
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        processing_guarantee="at_least_once",
        consumer_group_instance_id=work.instance,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=work.session_timeout_s,
        broker_heartbeat_interval=work.session_timeout_s / 4,
        broker_commit_every=200,
        broker_commit_interval=0.5,
        producer_linger=0.05,
        topic_disable_leader=True,
        stream_wait_empty=False,
        worker_redirect_stdouts=False,
    )


class BatchWriter(Generic[S]):
    """Moves events from Faust into the database and acks them; the buffer is bounded, so an outage stops the reading, not the process."""

    def __init__(
        self,
        app: faust.App,
        transactor: Transactor[S],
        settings: WorkSettings,
        metrics: Metrics,
        on_recorded: Callable[[Recorded[S]], None],
        lag: Lag,
    ) -> None:
        self.app, self.transactor, self.settings, self.metrics = app, transactor, settings, metrics
        self.on_recorded, self.lag = on_recorded, lag
        self._buffer: asyncio.Queue[tuple[StreamT[Any], EventT[Any]]] = asyncio.Queue(maxsize=settings.buffer_messages)
        self._awaited: dict[TP, int] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batch")

    async def fill(self, stream: Any) -> None:
        """The agent: hands every event to the buffer, un-acked."""
        manual = stream.noack()
        events: AsyncIterable[EventT[Any]] = manual.events()
        async for event in events:
            self.lag.taken(event.message)
            await self._buffer.put((manual, event))

    async def write(self) -> None:
        """Takes what has gathered as soon as the last batch is done, for ever. Anything unforeseen ends the process, which restarts clean."""
        try:
            while True:
                batch = [await self._buffer.get()]
                while len(batch) < self.settings.batch_messages and not self._buffer.empty():
                    batch.append(self._buffer.get_nowait())
                await self._record([item for item in batch if self._follows(item[1])])
        except asyncio.CancelledError:
            raise
        except BaseException as bug:  # its text may hold PHI (psycopg puts rows into messages): only its name and place are told
            log.error("worker_bug", error=type(bug).__name__, place=_place(bug))
            faulthandler.dump_traceback(file=sys.stderr)
            os._exit(70)

    async def chase(self) -> None:
        """Sends the reader back until the awaited offset comes. Once is not enough: Faust goes on with what it has fetched, and then
        takes the older offsets that follow for ones it has seen (measured: a partition stood still after a single seek).
        """
        while True:
            await asyncio.sleep(CHASE_S)
            for tp, offset in list(self._awaited.items()):
                await self.app.consumer.seek(tp, offset)

    async def watch(self) -> None:
        """Tells how far behind this worker is."""
        while True:
            await asyncio.sleep(WATCH_S)
            consumer = self.app.consumer
            self.lag.tell({tp: consumer.highwater(tp) for tp in consumer.assignment() if tp.topic in topics.RAW})

    async def settled(self, *_: object, **__: object) -> None:
        """After a rebalance: how many partitions this worker holds now."""
        self.metrics.worker_partitions.set(len([tp for tp in self.app.consumer.assignment() if tp.topic in topics.RAW]))

    async def forget(self, *_: object, **__: object) -> None:
        """After a rebalance everything is asked anew."""
        self._awaited.clear()
        await asyncio.get_running_loop().run_in_executor(self._thread, self.transactor.forget)

    def _follows(self, event: EventT[Any]) -> bool:
        """False for what was fetched beyond a gap, until the reader that was sent back reaches the awaited offset."""
        message = event.message
        awaited = self._awaited.get(message.tp)
        if awaited is None:
            return True
        if message.offset <= awaited:
            del self._awaited[message.tp]
            return True
        self.lag.done(message)
        return False

    async def _record(self, items: Sequence[tuple[StreamT[Any], EventT[Any]]]) -> None:
        if not items:
            return
        records = [_record_of(event) for _, event in items]
        delay_s = 0.1
        while True:
            try:
                recorded = await asyncio.get_running_loop().run_in_executor(self._thread, self._attempt, records)
                break
            except Gap as gap:
                items, records = self._back_to(gap, items, records)
                if not items:
                    return
            except (psycopg.OperationalError, psycopg.InterfaceError, DependencyAway) as away:
                log.warning("dependency_away", error=type(away).__name__, retry_s=delay_s)
                await asyncio.sleep(delay_s)
                delay_s = min(2.0, delay_s * 2)
        for stream, event in items:
            await stream.ack(event)
            self.lag.done(event.message)
        self._tell(recorded)

    def _attempt(self, records: Sequence[Record]) -> Recorded[S]:
        """One transaction; where PostgreSQL refuses a value, one a record, so that only the record at fault is set aside."""
        try:
            return self.transactor.record(records)
        except (psycopg.DataError, psycopg.IntegrityError):
            taken: list[Taken] = []
            scores: list[S] = []
            for record in records:
                recorded = self._alone(record)
                taken.extend(recorded.taken)
                scores.extend(recorded.scores)
            return Recorded(taken=taken, scores=scores)

    def _alone(self, record: Record) -> Recorded[S]:
        try:
            return self.transactor.record([record])
        except (psycopg.DataError, psycopg.IntegrityError) as refusal:
            return self.transactor.record([replace(record, refused=f"207: the database refused it ({type(refusal).__name__})")])

    def _back_to(
        self, gap: Gap, items: Sequence[tuple[StreamT[Any], EventT[Any]]], records: Sequence[Record]
    ) -> tuple[list[tuple[StreamT[Any], EventT[Any]]], list[Record]]:
        """Has the reader sent back to where the gap begins, and drops from the batch what lies beyond it."""
        tp = TP(gap.topic, gap.partition)
        log.error("offset_gap", topic=gap.topic, partition=gap.partition, expected=gap.expected, found=gap.found)
        self.metrics.offset_gaps_total.labels(topic=gap.topic).inc()
        self._awaited[tp] = gap.expected
        for _, event in items:
            if event.message.tp == tp and event.message.offset >= gap.expected:
                self.lag.done(event.message)
        kept = [
            (item, record)
            for item, record in zip(items, records, strict=True)
            if (record.source.topic, record.source.partition) != (gap.topic, gap.partition) or record.source.offset < gap.expected
        ]
        return [item for item, _ in kept], [record for _, record in kept]

    def _tell(self, recorded: Recorded[S]) -> None:
        for taken in recorded.taken:
            kind = taken.message.type if taken.message else None
            self.metrics.messages_processed_total.labels(type=topics.type_label(kind), outcome=taken.outcome).inc()
            if taken.outcome == "quarantined":
                self.metrics.quarantined_total.labels(reason=(taken.reason or "207").split(":", 1)[0][:3]).inc()
        self.on_recorded(recorded)


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


def register(app: faust.App, writer: BatchWriter[S]) -> None:
    """Ties the writer to the app: the agent, the writing task, and forgetting on a rebalance."""
    app.agent(app.topic(*topics.RAW, key_type=bytes, value_type=bytes), concurrency=1)(writer.fill)
    app.task(writer.write)
    app.task(writer.chase)
    app.task(writer.watch)
    app.on_partitions_revoked.connect(writer.forget)
    app.on_rebalance_complete.connect(writer.settled)
