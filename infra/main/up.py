"""`vigil up`: starts and supervises everything; `vigil up --demo` adds a simulated ward and somebody to page."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click
import psycopg
from confluent_kafka import KafkaException

from infra.database.migrate import migrate
from infra.local import kafka_server, postgres_server, readiness, supervision
from infra.local.places import KAFKA_JARS, TRITON_PYTHON, NotInstalled, need
from infra.local.ports import PortTaken
from infra.main import live
from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import home_option, settings_of
from infra.main.installation import Plan, prepare
from infra.settings import Settings
from streams import topics

READY_S = 120.0


@click.command()
@home_option
@click.option("--demo", is_flag=True, help="Adds a simulated ward, and local catchers for its pages.")
@click.option(
    "--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True, help="Hospital seconds a real second."
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--pagers", type=click.IntRange(1, 16), default=1, show_default=True)
@click.option("--beds", type=click.IntRange(1, 5000), default=24, show_default=True, help="Of the simulated ward.")
@click.option("--port-base", type=click.IntRange(1024, 65000), help="Ports from here upwards instead of free ones.")
@click.option("--detach", is_flag=True, help="Return once everything is ready.")
def command(home: Path, demo: bool, speed: float, workers: int, pagers: int, beds: int, port_base: int | None, detach: bool) -> None:
    """Starts Kafka, PostgreSQL, Triton, listen, work, page and board, and starts again what dies."""
    home = home.absolute()
    _look_first()
    if supervision.leftovers(home):
        say("ending what was left running under this home")
        supervision.stop(home)
    try:
        plan = prepare(home, workers=workers, pagers=pagers, demo=demo, beds=beds, speed=speed, port_base=port_base)
    except PortTaken as taken:
        raise Trouble(str(taken), "choose another --port-base, or leave it out", NOT_THERE) from taken
    settings = settings_of(home)
    supervision.start(home, plan.programs(home))
    try:
        _bring_up(home, plan, settings)
        _tell(settings)
        if not detach:
            _stay(settings, demo)
    except BaseException:
        supervision.stop(home)
        raise
    if not detach:
        say("stopping")
        supervision.stop(home)


def say(text: str) -> None:
    """One line of progress, on stderr."""
    click.echo(text, err=True)


def _look_first() -> None:
    try:
        need(KAFKA_JARS, "Kafka", "install it: make setup")
        need(TRITON_PYTHON, "Triton", "install it: make setup")
        postgres_server.binaries()
    except NotInstalled as absent:
        wrong, _, remedy = str(absent).partition("\n")
        raise Trouble(wrong, remedy, NOT_THERE) from absent


def _bring_up(home: Path, plan: Plan, settings: Settings) -> None:
    """Database and topics as soon as their servers answer; then every process by real work."""
    began = time.monotonic()
    schema = threading.Thread(target=_until_done, args=(lambda: _schema(plan, settings), began), daemon=True)
    broker = threading.Thread(target=_until_done, args=(lambda: _topics(settings), began), daemon=True)
    schema.start()
    broker.start()
    told: set[str] = set()
    while True:
        known = {one["name"]: one["running"] for one in supervision.processes(home)}
        ready = readiness.all_ready(plan.programs(home), settings, known)
        for name in sorted(name for name, good in ready.items() if good and name not in told):
            told.add(name)
            say(f"  {name} ready after {time.monotonic() - began:.1f} s")
        if ready and all(ready.values()) and not schema.is_alive() and not broker.is_alive():
            return
        if time.monotonic() - began > READY_S:
            waiting = ", ".join(sorted(name for name, good in ready.items() if not good)) or "migrations"
            raise Trouble(f"not ready after {READY_S:.0f} s: {waiting}", f"look into {home}/logs", NOT_THERE)
        time.sleep(0.2)


def _until_done(step: Callable[[], None], began: float) -> None:
    while time.monotonic() - began < READY_S:
        try:
            return step()
        except (psycopg.OperationalError, KafkaException):
            time.sleep(0.2)
    return None


def _schema(plan: Plan, settings: Settings) -> None:
    if plan.local_database:
        postgres_server.ensure_database(plan.ports["postgres"])
    migrate(settings.database.url)


def _topics(settings: Settings) -> None:
    kafka_server.ensure_topics(settings.kafka.bootstrap, topics.RAW, (topics.QUARANTINE, topics.SCORES, topics.ALERTS), settings.kafka)


def _tell(settings: Settings) -> None:
    feed = settings.listen.feeds[0]
    say(
        f"ready: MLLP {feed.host}:{feed.port}   board http://{settings.board.host}:{settings.board.port}   metrics http://127.0.0.1:{settings.listen.metrics_port}/metrics"
    )


def _stay(settings: Settings, demo: bool) -> None:
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    if demo:
        live.show(settings, stopping, terminal=sys.stdout.isatty())
    else:
        stopping.wait()
