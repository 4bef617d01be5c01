"""The whole path on an installation of its own: how many messages a second, and how long from receipt to score and to page."""

import asyncio
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psycopg
import uvloop
from confluent_kafka import Consumer

from infra.local.places import vigil
from infra.local.ports import HOST, choose
from infra.main.benches.floor import bare
from infra.main.benches.messages import oru
from infra.main.home import settings_of
from infra.settings import Settings
from streams import topics
from streams.sender import SendReport, send_all

PATIENTS = 1000
THROUGHPUT = 12_000
WARM_UP = 1500
RATE = 50.0
LATENCY = 1500
CONNECTIONS = 32
PATIENCE_S = 120.0

Figure = dict[str, float | str | None]


@contextmanager
def installation(workers: int) -> Iterator[Settings]:
    """`vigil up` in a temporary home, its pages to a local catcher."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    ports = choose(home / "catchers.json", ["snpp", "smtp", "http"])
    channel = f'[page.channels.pager]\nkind = "snpp"\naddress = "{HOST}:{ports["snpp"]}"\n'
    (home / "vigil.toml").write_text(channel + '[[page.routes]]\ntier = "rapid_response"\nchannel = "pager"\ntarget = "1"\n')
    catch = [
        *vigil(),
        "catch",
        "--home",
        str(home),
        "--snpp-port",
        str(ports["snpp"]),
        "--smtp-port",
        str(ports["smtp"]),
        "--http-port",
        str(ports["http"]),
    ]
    catcher = subprocess.Popen(catch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        subprocess.run([*vigil(), "up", "--detach", "--home", str(home), "--workers", str(workers)], check=True, capture_output=True)
        yield settings_of(home)
    finally:
        subprocess.run([*vigil(), "down", "--home", str(home)], check=False, capture_output=True)
        catcher.terminate()
        catcher.wait()
        shutil.rmtree(home, ignore_errors=True)


def load(workers: int) -> dict[str, Figure]:
    """All figures of the running system, with the floors of the same minute."""
    with installation(workers) as settings:
        _send(settings, [oru(number, PATIENTS, "W") for number in range(WARM_UP)], CONNECTIONS, None)
        _recorded(settings, WARM_UP)
        messages = [oru(number, PATIENTS, "T") for number in range(THROUGHPUT)]
        produced, consumed = bare(settings.kafka.bootstrap, settings.database.url, messages[: THROUGHPUT // 2])
        began = time.perf_counter()
        report = _send(settings, messages, CONNECTIONS, None)
        acked_s = time.perf_counter() - began
        _recorded(settings, WARM_UP + THROUGHPUT)
        whole_s = time.perf_counter() - began
        listener, whole = report.aa / acked_s, THROUGHPUT / whole_s
        return {
            "listener": _figure(listener, "messages/s", produced),
            "whole_path": _figure(whole, "messages/s", consumed) | {"workers": float(workers)},
            **_latency(settings),
        }


def _figure(value: float, unit: str, floor: float) -> Figure:
    return {"value": round(value, 1), "unit": unit, "floor": round(floor, 1), "ratio": round(value / floor, 3)}


def _send(settings: Settings, messages: list[bytes], connections: int, rate: float | None) -> SendReport:
    feed = settings.listen.feeds[0]
    return uvloop.run(send_all(messages, host=feed.host, port=feed.port, connections=connections, rate=rate))


def _recorded(settings: Settings, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with psycopg.connect(settings.database.url, autocommit=True) as connection:
        while (connection.execute("SELECT sum(next_offset) FROM vigil_store.progress").fetchone() or (0,))[0] < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} messages were not recorded within {PATIENCE_S:.0f} s; look into {settings.home}/logs")
            time.sleep(0.02)


def _latency(settings: Settings) -> dict[str, Figure]:
    """At a steady 50 messages a second, one in twenty from a patient who gets worse: arrivals on `vigil.scores` and acceptances in `vigil.pages`."""
    arrivals: dict[str, datetime] = {}
    stop = threading.Event()
    listening = threading.Thread(target=_listen, args=(settings.kafka.bootstrap, arrivals, stop))
    listening.start()
    time.sleep(3.0)
    asyncio.run(_steady(settings))
    time.sleep(3.0)
    stop.set()
    listening.join()
    with psycopg.connect(settings.database.url) as connection:
        rows = connection.execute(
            "SELECT topic, partition, \"offset\", received_at FROM vigil.messages WHERE control_id LIKE 'L%'"
        ).fetchall()
        pages = connection.execute(
            "SELECT extract(epoch FROM accepted_at - received_at)::float8 FROM vigil_store.page WHERE accepted_at IS NOT NULL"
        ).fetchall()
    received = {f"{topic}/{partition}/{offset}/news2": at for topic, partition, offset, at in rows}
    scores = sorted((arrivals[one] - at).total_seconds() * 1000 for one, at in received.items() if one in arrivals)
    paged = sorted(1000 * seconds for (seconds,) in pages)
    return {
        "receipt_to_score_p50": _quantile(scores, 0.50), "receipt_to_score_p99": _quantile(scores, 0.99),
        "receipt_to_page_p50": _quantile(paged, 0.50), "receipt_to_page_p99": _quantile(paged, 0.99),
    }  # fmt: skip


async def _steady(settings: Settings) -> None:
    feed = settings.listen.feeds[0]
    step = int(RATE)
    for second in range(LATENCY // step):
        messages = [oru(second * step + n, LATENCY, "L", sick=n % 20 == 0) for n in range(step)]
        await send_all(messages, host=feed.host, port=feed.port, connections=4, rate=RATE)


def _listen(bootstrap: str, arrivals: dict[str, datetime], stop: threading.Event) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-scores",
            "auto.offset.reset": "latest",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    consumer.subscribe([topics.SCORES])
    while not stop.is_set():
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            arrivals[str(msgspec.json.decode(message.value() or b"{}").get("score_id"))] = datetime.now(UTC)
    consumer.close()


def _quantile(ordered_ms: list[float], share: float) -> Figure:
    value = round(ordered_ms[min(len(ordered_ms) - 1, int(share * len(ordered_ms)))], 1) if ordered_ms else None
    return {"value": value, "unit": "ms", "floor": None, "ratio": None, "count": float(len(ordered_ms))}
