"""The Faust worker: one agent over the four raw topics, its settings, and the tasks that run beside it."""

import os
import threading
from pathlib import Path
from typing import Any

import faust

from infra.logs import logger
from infra.settings import KafkaSettings, WorkSettings
from streams import topics
from streams.reader import Reader
from streams.writer import BatchWriter

log = logger("streams")

STOP_S = 20.0
"""How long an orderly stop may take (Faust needs up to as long in the middle of a rebalance); then the process dies, and nothing is lost by it."""


def faust_app(kafka: KafkaSettings, work: WorkSettings, home: Path) -> faust.App:
    """The Faust application with the settings that design decision 3 measured; static membership makes a restart immediate."""
    datadir = home / "faust" / work.instance
    datadir.mkdir(parents=True, exist_ok=True)
    return faust.App(
        topics.GROUP,
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
        stream_buffer_maxsize=work.buffer_messages,
        stream_wait_empty=False,
        worker_redirect_stdouts=False,
    )


def register(app: faust.App, reader: Reader, writer: BatchWriter[Any]) -> None:
    """Ties reader and writer to the app: the agent, the tasks beside it, forgetting on a rebalance, and a bounded end."""
    app.agent(app.topic(*topics.RAW, key_type=bytes, value_type=bytes), concurrency=1)(writer.take)
    app.task(writer.write)
    app.task(reader.chase)
    app.task(writer.watch)
    app.on_partitions_revoked.connect(writer.forget)
    app.on_rebalance_complete.connect(writer.settled)
    app.on_before_shutdown.connect(_bounded)


async def _bounded(*_: object, **__: object) -> None:
    def die() -> None:
        log.error("stop_took_too_long", after_s=STOP_S)
        os._exit(75)

    timer = threading.Timer(STOP_S, die)
    timer.daemon = True
    timer.start()
