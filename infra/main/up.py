"""`vigil up`: starts and supervises everything; `vigil up --demo` adds a simulated ward and somebody to page."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
import psycopg
from confluent_kafka import KafkaException

from infra.database.migrate import migrate
from infra.local import kafka_server, postgres_server, readiness, supervision
from infra.local.places import KAFKA_JARS, TRITON, NotInstalled, need_finished
from infra.local.ports import PortTaken
from infra.main import live
from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import home_option, settings_of
from infra.main.installation import BrokersFixed, Plan, prepare, remember
from infra.settings import Settings
from streams import topics

READY_S = 120.0
WATCH_S = 2.0
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a supervisor's wish, the terminal closed: each ends everything that was started."""


@click.command()
@home_option
@click.option("--demo", is_flag=True, help="Adds a simulated ward, and local catchers for its pages.")
@click.option(
    "--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True, help="Hospital seconds a real second."
)
@click.option(
    "--brokers", type=click.Choice(["1", "3"]), help="Kafka brokers; 3 keep every message three times.  [default: as the home has, else 1]"
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--pagers", type=click.IntRange(1, 16), default=1, show_default=True)
@click.option("--beds", type=click.IntRange(1, 5000), default=24, show_default=True, help="Of the simulated ward.")
@click.option("--port-base", type=click.IntRange(1024, 65000), help="Ports from here upwards instead of free ones.")
@click.option("--detach", is_flag=True, help="Return once everything is ready.")
def command(
    home: Path, demo: bool, speed: float, brokers: str | None, workers: int, pagers: int, beds: int, port_base: int | None, detach: bool
) -> None:
    """Starts Kafka, PostgreSQL, Triton, listen, work, page and board, and starts again what dies."""
    home = home.absolute()
    _look_first()
    if supervision.leftovers(home):
        say("ending what was left running under this home")
        supervision.stop(home)
    try:
        plan = prepare(
            home, brokers=int(brokers) if brokers else None, workers=workers, pagers=pagers, demo=demo, beds=beds, speed=speed, port_base=port_base
        )  # fmt: skip
    except BrokersFixed as fixed:
        raise Trouble(str(fixed), "leave --brokers out, or start with another --home") from fixed
    except PortTaken as taken:
        raise Trouble(str(taken), "choose another --port-base, or leave it out", NOT_THERE) from taken
    settings = settings_of(home)
    _on_stop(_give_up)
    try:
        supervision.start(home, plan.programs(home))
        _bring_up(home, plan, settings)
        _tell(settings)
        supervised = detach or _stay(home, settings, demo)
    except supervision.NotSupervised as failure:
        supervision.stop(home)
        wrong, _, remedy = str(failure).partition("\n")
        raise Trouble(wrong, remedy, NOT_THERE) from failure
    except BaseException:
        _stop(home, settings)
        raise
    if not detach:
        _stop(home, settings)
    if not supervised:
        raise Trouble("the supervisor died, so everything was stopped", f"start again: vigil up --home {home}", NOT_THERE)


def say(text: str) -> None:
    """One line of progress, on stderr."""
    click.echo(text, err=True)


def _on_stop(handler: Callable[[int, FrameType | None], None]) -> None:
    """What happens when this process is told to stop; under `nohup` a closed terminal stays ignored."""
    for number in STOPPING:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _give_up(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _stop(home: Path, settings: Settings) -> None:
    for number in STOPPING:  # a second Ctrl-C must not leave half of it running
        signal.signal(number, signal.SIG_IGN)
    say("stopping")
    if supervision.stop(home):
        remember(home, settings.clock.clock().now())


def _look_first() -> None:
    try:
        need_finished(KAFKA_JARS, "Kafka")
        need_finished(TRITON, "Triton")
        postgres_server.binaries()
    except NotInstalled as absent:
        wrong, _, remedy = str(absent).partition("\n")
        raise Trouble(wrong, remedy, NOT_THERE) from absent


def _bring_up(home: Path, plan: Plan, settings: Settings) -> None:
    """Database and topics as soon as their servers answer; then every process by real work."""
    began, given_up = time.monotonic(), threading.Event()
    pool = ThreadPoolExecutor(2)
    steps = {
        "migrations": pool.submit(_until_done, lambda: _schema(plan, settings), given_up),
        "topics": pool.submit(_until_done, lambda: _topics(settings), given_up),
    }
    told: set[str] = set()
    try:
        while waiting := _waiting(home, plan, settings, steps, told, began):
            if time.monotonic() - began > READY_S:
                raise Trouble(f"not ready after {READY_S:.0f} s: {', '.join(waiting)}", f"look into {home}/logs", NOT_THERE)
            time.sleep(0.2)
    finally:
        given_up.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _waiting(home: Path, plan: Plan, settings: Settings, steps: dict[str, Future[None]], told: set[str], began: float) -> list[str]:
    """What is not ready yet; tells what has become so. Raises Trouble where a step failed for good."""
    known = {one["name"]: one["running"] for one in supervision.processes(home)}
    ready = readiness.all_ready(plan.programs(home), settings, known)
    for name, step in steps.items():
        failure = step.exception() if step.done() else None
        if failure is not None:  # its text may quote a row
            raise Trouble(f"{name} failed: {type(failure).__name__}", f"look into {home}/logs, or start with another --home", NOT_THERE)
        ready[name] = step.done()
    for name in sorted(name for name, good in ready.items() if good and name not in told):
        told.add(name)
        say(f"  {name} ready after {time.monotonic() - began:.1f} s")
    return sorted(name for name, good in ready.items() if not good)


def _until_done(step: Callable[[], None], given_up: threading.Event) -> None:
    """A server that does not answer yet is asked again."""
    while not given_up.is_set():
        try:
            return step()
        except (psycopg.OperationalError, KafkaException):
            given_up.wait(0.2)
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


def _stay(home: Path, settings: Settings, demo: bool) -> bool:
    """Until told to stop, here or by `vigil down` (True), or until the supervisor died and left its processes behind (False)."""
    stopping, gone = threading.Event(), threading.Event()
    _on_stop(lambda *_: stopping.set())
    threading.Thread(target=_watch, args=(home, stopping, gone), daemon=True).start()
    if demo:
        live.show(settings, stopping, terminal=sys.stdout.isatty())
    else:
        stopping.wait()
    return not (gone.is_set() and supervision.leftovers(home))


def _watch(home: Path, stopping: threading.Event, gone: threading.Event) -> None:
    """Sets both once the supervisor has been silent twice in a row."""
    silent = 0
    while not stopping.wait(WATCH_S):
        silent = 0 if supervision.alive(home) else silent + 1
        if silent == 2:
            gone.set()
            stopping.set()
