"""How long from a message's receipt to its score and to the page: arrivals on `vigil.scores`, acceptances in the database."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import msgspec
import psycopg
from confluent_kafka import Consumer

from infra.database.sql import statements
from infra.main.benches import floor
from infra.main.benches.figures import Figure, quantile
from infra.main.benches.messages import oru
from infra.settings import Settings
from streams import topics
from streams.sender import send_all

SQL = statements("infra.main.benches", "load.sql")

QUIET: Final = 50.0
"""Messages a second at which pages are timed."""
BUSY: Final = 200.0
"""Messages a second of a large hospital at its busiest."""
SECONDS: Final = 25
PATIENTS: Final = 1500
CONNECTIONS: Final = 4
SETTLE_S: Final = 3.0


class Arrivals:
    """When each score arrived on `vigil.scores`, by its id; what is read is decoded afterwards, so that listening costs little."""

    def __init__(self) -> None:
        self._raw: list[tuple[bytes, datetime]] = []
        self._stop, self._ready = threading.Event(), threading.Event()

    @contextmanager
    def listening(self, bootstrap: str) -> Iterator[None]:
        """While scores are awaited, and SETTLE_S longer."""
        thread = threading.Thread(target=self._listen, args=(bootstrap,))
        thread.start()
        self._ready.wait()
        yield
        time.sleep(SETTLE_S)
        self._stop.set()
        thread.join()

    def waits_ms(self, url: str, tag: str) -> list[float]:
        """Milliseconds from receipt to the arrival of NEWS2, of the messages of one run that were not put aside as a backlog."""
        arrived = {str(msgspec.json.decode(value).get("score_id")): at for value, at in self._raw}
        with psycopg.connect(url) as connection:
            rows = connection.execute(SQL["received"].encode(), {"control_ids": f"{tag}%"}).fetchall()
        found = ((arrived.get(f"{topic}/{partition}/{offset}/news2"), at) for topic, partition, offset, at in rows)
        return [(arrival - at).total_seconds() * 1000 for arrival, at in found if arrival is not None]

    def _listen(self, bootstrap: str) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"bench-scores-{time.monotonic_ns()}",
                "auto.offset.reset": "latest",
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        consumer.subscribe([topics.SCORES], on_assign=lambda *_: self._ready.set())
        while not self._stop.is_set():
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                self._raw.append((message.value() or b"{}", datetime.now(UTC)))
        consumer.close()


def latency(settings: Settings) -> dict[str, Figure]:
    """At a steady 50 messages a second with pages, and at 200 beside a bare producer and consumer at the same rate."""
    quiet = _steady(settings, "L", QUIET, sick_every=20)
    with psycopg.connect(settings.database.url) as connection:
        paged = [1000 * seconds for (seconds,) in connection.execute(SQL["paged"].encode())]
    busy = _steady(settings, "B", BUSY, sick_every=0)
    url, bare_messages = settings.database.url, [oru(n, PATIENTS, "F") for n in range(int(BUSY) * 5)]
    bare = floor.latencies_ms(settings.kafka.bootstrap, url, bare_messages, BUSY)
    return {
        "receipt_to_score_p50": quantile(quiet, 0.50), "receipt_to_score_p99": quantile(quiet, 0.99),
        "receipt_to_page_p50": quantile(paged, 0.50), "receipt_to_page_p99": quantile(paged, 0.99),
        "receipt_to_score_at_200_p50": quantile(busy, 0.50, bare), "receipt_to_score_at_200_p99": quantile(busy, 0.99, bare),
    }  # fmt: skip


def _steady(settings: Settings, tag: str, rate: float, *, sick_every: int) -> list[float]:
    """One in `sick_every` messages is of a patient who gets worse."""
    arrivals = Arrivals()
    with arrivals.listening(settings.kafka.bootstrap):
        asyncio.run(_send(settings, tag, int(rate), sick_every))
    return arrivals.waits_ms(settings.database.url, tag)


async def _send(settings: Settings, tag: str, rate: int, sick_every: int) -> None:
    feed = settings.listen.feeds[0]
    for second in range(SECONDS):
        numbers = range(second * rate, (second + 1) * rate)
        messages = [oru(n, PATIENTS, tag, sick=sick_every > 0 and n % sick_every == 0) for n in numbers]
        await send_all(messages, host=feed.host, port=feed.port, connections=CONNECTIONS, rate=float(rate))
