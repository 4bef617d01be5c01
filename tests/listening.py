"""A listener in this process, one in a process of its own, and what lies on Kafka afterwards."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from confluent_kafka import Consumer
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from infra.local.ports import answers, choose
from infra.metrics import Metrics
from infra.settings import FeedSettings, KafkaSettings, ListenSettings
from streams import topics
from streams.listener import Listener
from streams.producer import ConfirmingProducer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@asynccontextmanager
async def serving(bootstrap: str, feed: FeedSettings | None = None, **limits: float) -> AsyncIterator[tuple[Listener, int, Metrics]]:
    """A listener with one feed, its port and its metrics."""
    settings = replace(ListenSettings(feeds=(feed or FeedSettings(),)), **limits)
    producer = ConfirmingProducer(KafkaSettings(bootstrap=bootstrap), settings, asyncio.get_running_loop())
    metrics = Metrics(CollectorRegistry())
    listener = Listener(settings, producer, metrics, lambda: NOW)
    addresses = await listener.start()
    try:
        yield listener, addresses["main"][1], metrics
    finally:
        await listener.stop()
        await producer.close(0.2)  # or its thread goes on, and tells other tests of a broker that is away


@asynccontextmanager
async def listening(bootstrap: str, feed: FeedSettings | None = None, **limits: float) -> AsyncIterator[int]:
    """The port of a listener with one feed."""
    async with serving(bootstrap, feed, **limits) as (_, port, _metrics):
        yield port


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 120))


async def until(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    """Lets the loop run until something holds."""
    for _ in range(int(within_s / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)
    assert holds()


@contextmanager
def process(home: Path, bootstrap: str, feed: str = "") -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """`vigil listen`, and its port; killed at the end where it still runs."""
    port = choose(home / "mllp.json", ["mllp"])["mllp"]
    (home / "vigil.toml").write_text(f'[kafka]\nbootstrap = "{bootstrap}"\n[[listen.feeds]]\nport = {port}\n{feed}')
    command = [sys.executable, "-W", "ignore", "-m", "infra.main", "listen", "--home", str(home)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
        try:
            deadline = time.monotonic() + 30
            while not answers(port) and started.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            yield started, port
        finally:
            started.kill()


def settled(bootstrap: str, control_ids: set[str], within_s: float = 30.0) -> dict[str, dict[str, str]]:
    """What lies on the raw topics under these control ids: headers, `key`, `topic` and `value`; all of them, or what is there by then."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"look-{uuid4()}", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe(list(topics.RAW))
    found: dict[str, dict[str, str]] = {}
    deadline = time.monotonic() + within_s
    while not control_ids <= set(found) and time.monotonic() < deadline:
        for message in consumer.consume(500, 0.3):
            if message.error() is None:
                headers = {name: content.decode() for name, content in dict(message.headers() or {}).items() if isinstance(content, bytes)}
                here = {"key": (message.key() or b"").decode(), "topic": str(message.topic()), "value": (message.value() or b"").decode()}
                found[headers.get("control_id", "")] = headers | here
    consumer.close()
    return {one: found[one] for one in control_ids if one in found}
