"""The whole path on an installation of its own: how many messages a second, and how long from receipt to score and to page."""

import time
from collections.abc import Iterator

import click
import psycopg
import uvloop

from infra.database.sql import statements
from infra.local.ports import HOST
from infra.main.benches import floor, hapi_java
from infra.main.benches.figures import Figure, figure, quantile
from infra.main.benches.latency import Arrivals, latency
from infra.main.benches.messages import OBX, oru
from infra.main.benches.servers import installation
from infra.settings import Settings
from streams.sender import SendReport, send_all

SQL = statements("infra.main.benches", "load.sql")

PATIENTS = 1000
THROUGHPUT = 12_000
WARM_UP = 12_000
"""Messages: after so many the JVM of the broker has compiled what it will, as it has long done in a hospital (0.45 to 0.18 ms of its CPU a message)."""
ROUNDS = 2
CONNECTIONS = 32
PATIENCE_S = 120.0


def load(workers: int) -> dict[str, Figure]:
    """All figures of the running system, with the floors and the peer of the same minutes. Of the whole path the best round counts, as of the peer."""
    with installation(workers) as settings:
        with psycopg.connect(settings.database.url, autocommit=True) as connection:
            connection.execute(SQL["own_schema"].encode())
        _send(settings, [oru(number, PATIENTS, "W") for number in range(WARM_UP)])
        _recorded(settings, WARM_UP)
        messages = [oru(number, PATIENTS, "F") for number in range(THROUGHPUT)]
        with floor.stored(settings.kafka.bootstrap, messages) as stored:
            consumed = floor.consumed(settings.kafka.bootstrap, settings.database.url, stored.topic, THROUGHPUT)
        rounds = [_whole_path(settings, number, stored.produced, consumed) for number in range(ROUNDS)]
        found = max(rounds, key=lambda one: float(one["whole_path"]["value"] or 0))
        found["whole_path"] |= {"workers": float(workers)} | _peer(settings, messages, found["whole_path"])
        return found | latency(settings)


def _whole_path(settings: Settings, number: int, produced: float, consumed: float) -> dict[str, Figure]:
    """As fast as acknowledgements come. What was put aside as a backlog is recorded within the time, and left out of the waits."""
    messages = [oru(n, PATIENTS, f"T{number}N") for n in range(THROUGHPUT)]
    arrivals, before = Arrivals(), (_number(settings, "stored_bytes"), _number(settings, "put_aside"))
    with arrivals.listening(settings.kafka.bootstrap):
        began = time.perf_counter()
        report = _send(settings, messages)
        acked_s = time.perf_counter() - began
        _recorded(settings, WARM_UP + (number + 1) * THROUGHPUT)
        whole_s = time.perf_counter() - began
    waits = arrivals.waits_ms(settings.database.url, f"T{number}N")
    stored, sent = _number(settings, "stored_bytes") - before[0], sum(map(len, messages))
    aside = {"put_aside": float(_number(settings, "put_aside") - before[1])}
    return {
        "listener": figure(report.aa / acked_s, "messages/s", produced),
        "whole_path": figure(THROUGHPUT / whole_s, "messages/s", consumed),
        "stored": figure(stored / THROUGHPUT, "bytes/message", sent / THROUGHPUT),
        "receipt_to_score_saturated_p50": quantile(waits, 0.50) | aside,
        "receipt_to_score_saturated_p99": quantile(waits, 0.99) | aside,
    }


def _peer(settings: Settings, messages: list[bytes], ours: Figure) -> Figure:
    """The same messages by the same sender through HAPI, the same broker, HAPI again and JDBC, without state, scores and pages; the best warm round."""
    try:
        with (
            floor.own_topic(settings.kafka.bootstrap) as topic,
            hapi_java.pipeline(settings.kafka.bootstrap, settings.database.url, topic) as pipeline,
        ):
            rates = list(_peer_rounds(settings, messages, pipeline))
    except hapi_java.Absent as absent:
        click.echo(f"the Java pipeline is left out: {absent}", err=True)
        return {}
    return {"peer": round(max(rates), 1), "peer_ratio": round(float(ours["value"] or 0) / max(rates), 2)}


def _peer_rounds(settings: Settings, messages: list[bytes], pipeline: hapi_java.Pipeline) -> Iterator[float]:
    """Messages a second of each round until the JVM is warm, and of one more."""
    done, started, warm = 0, time.monotonic(), False
    while not warm:
        warm = time.monotonic() - started > hapi_java.PIPELINE_WARM_S
        with psycopg.connect(settings.database.url, autocommit=True) as connection:
            connection.execute(SQL["empty"].encode())
        began = time.perf_counter()
        answered = uvloop.run(send_all(messages, host=HOST, port=pipeline.port, connections=CONNECTIONS)).aa
        done += answered
        pipeline.wait(done, PATIENCE_S)
        rate = answered / (time.perf_counter() - began)
        if (rows := _number(settings, "peer_rows")) != len(messages) * OBX:
            raise hapi_java.Absent(f"it wrote {rows} rows of {len(messages) * OBX}")
        yield rate


def _send(settings: Settings, messages: list[bytes]) -> SendReport:
    feed = settings.listen.feeds[0]
    return uvloop.run(send_all(messages, host=feed.host, port=feed.port, connections=CONNECTIONS))


def _recorded(settings: Settings, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while _number(settings, "recorded") < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{count} messages were not recorded within {PATIENCE_S:.0f} s; look into {settings.home}/logs")
        time.sleep(0.05)


def _number(settings: Settings, query: str) -> int:
    with psycopg.connect(settings.database.url, autocommit=True) as connection:
        [(number,)] = connection.execute(SQL[query].encode()).fetchall()
        return int(number)
