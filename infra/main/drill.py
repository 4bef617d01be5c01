"""`vigil drill pitr`: loses the database of an installation of its own, goes back to an instant, and proves that everything comes back.

What the drill shows: the restored database is behind Kafka, the worker reads again what lies between, and the audit is clean. It runs beside the real
installation and touches nothing of it; a few hundred messages, the real servers, less than a minute.
"""

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
import psycopg
from confluent_kafka import KafkaException
from msgspec import Struct

from infra.clock import Clock
from infra.database.connect import connect
from infra.database.migrate import migrate
from infra.local import kafka_server, postgres_server, readiness, supervision
from infra.local.base_backup import take
from infra.local.places import vigil
from infra.main.cli import NO, NOT_THERE, Trouble
from infra.main.home import json_option, settings_of
from infra.main.installation import Plan, prepare
from infra.main.postgres import archive_of
from infra.main.restore import restore
from infra.main.up import say
from infra.settings import Settings
from streams import topics
from streams.ward.pace import Tally, send_paced
from streams.ward.ward import ward

ROLES = ("kafka", "postgres", "listen", "work")
WAIT_S = 120.0
T = TypeVar("T")


class Drill(Struct, frozen=True, kw_only=True):
    """`acknowledged` messages went in; `at_instant` of them were recorded at the instant gone back to, `restored` right after the restore, `recorded` in the
    end. `gaps`: what the audit found. `equal`: whether every fact is as it was before the database was lost."""

    acknowledged: int
    at_instant: int
    restored: int
    recorded: int
    gaps: int
    equal: bool
    backup_seconds: float
    restore_seconds: float
    again_seconds: float
    seconds: float

    @property
    def passed(self) -> bool:
        """Nothing acknowledged is missing or there twice, and there was something to lose."""
        return self.equal and self.gaps == 0 and self.restored == self.at_instant < self.acknowledged == self.recorded


@click.group()
def command() -> None:
    """Exercises for the day on which something is lost."""


@command.command()
@json_option
@click.option("--messages", type=click.IntRange(30, 100_000), default=300, show_default=True)
@click.pass_context
def pitr(context: click.Context, as_json: bool, messages: int) -> None:
    """Point-in-time recovery, on an installation of the drill's own: backup, loss, restore to an instant, everything recorded again."""
    found = drill(messages)
    click.echo(msgspec.json.encode(found).decode() if as_json else _sentence(found))
    context.exit(0 if found.passed else NO)


def drill(messages: int) -> Drill:
    """Runs it in a temporary home that is removed afterwards."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="vigil-drill-"))
    home, third = folder / "home", messages // 3
    try:
        home.mkdir()
        (home / "vigil.toml").write_text(f'[database]\nwal_archive = "{folder / "wal"}"\n')
        plan = prepare(home, brokers=1, workers=1, pagers=1, demo=False, beds=1, speed=1.0, port_base=None)
        settings = settings_of(home)
        with running(home, plan, settings):
            say("messages come in; a copy is taken")
            acknowledged = send(settings, 0, third)
            took, _ = _timed(lambda: take(settings.database.url, folder / "copies", archive_of(home)))
            acknowledged += send(settings, third, 2 * third)
            instant, at_instant = recorded_all(settings, acknowledged)
            acknowledged += send(settings, 2 * third, messages)
            recorded_all(settings, acknowledged)
            before = _facts(settings)
        say(f"the database is lost, with {acknowledged} messages; back to {instant.isoformat()}, when there were {at_instant}")
        shutil.rmtree(home / "postgres")
        back, _ = _timed(lambda: restore(home, folder / "copies", instant))
        restored = _restored(home, plan, settings)
        with running(home, plan, settings):
            say(f"restored with {restored} messages; the worker reads the others again")
            again, _ = _timed(lambda: recorded_all(settings, acknowledged))
            proof, after = _audit(home), _facts(settings)
        return _drill(acknowledged, at_instant, restored, proof, before == after, (took, back, again, time.monotonic() - began))
    finally:
        supervision.stop(home)
        shutil.rmtree(folder, ignore_errors=True)


def _drill(
    acknowledged: int, at_instant: int, restored: int, proof: dict[str, Any], equal: bool, seconds: tuple[float, float, float, float]
) -> Drill:
    took, back, again, whole = (round(one, 1) for one in seconds)
    return Drill(
        acknowledged=acknowledged, at_instant=at_instant, restored=restored, recorded=proof["recorded"], gaps=len(proof["gaps"]), equal=equal,
        backup_seconds=took, restore_seconds=back, again_seconds=again, seconds=whole,
    )  # fmt: skip


@contextmanager
def running(home: Path, plan: Plan, settings: Settings) -> Iterator[None]:
    """The roles that the drill needs, ready; stopped in order afterwards."""
    programs = [program for program in plan.programs(home) if program.name in ROLES]
    supervision.start(home, programs)
    try:
        deadline, prepared = time.monotonic() + WAIT_S, False
        while True:
            prepared = prepared or _prepare(plan, settings)
            known: Mapping[str, bool] = {one["name"]: one["running"] for one in supervision.processes(home)}
            if prepared and all(readiness.all_ready(programs, settings, known).values()):
                break
            if time.monotonic() > deadline:
                raise Trouble(
                    f"the drill's servers were not ready after {WAIT_S:.0f} s", "look for what is missing: vigil doctor", NOT_THERE
                )
            time.sleep(0.2)
        yield
    finally:
        supervision.stop(home)


def _prepare(plan: Plan, settings: Settings) -> bool:
    try:
        postgres_server.ensure_database(plan.ports["postgres"])
        migrate(settings.database.url)
        kafka_server.ensure_topics(settings.kafka.bootstrap, topics.RAW, (topics.QUARANTINE, topics.SCORES, topics.ALERTS), settings.kafka)
    except (psycopg.OperationalError, KafkaException):
        return False
    return True


def _restored(home: Path, plan: Plan, settings: Settings) -> int:
    """How many messages the restored database holds before anybody writes to it."""
    postgres = [program for program in plan.programs(home) if program.name == "postgres"]
    supervision.start(home, postgres)
    try:
        return _until(lambda: _count(settings))
    finally:
        supervision.stop(home)


def send(settings: Settings, first: int, end: int) -> int:
    """Messages of one and the same simulated ward, each until it is acknowledged; tells how many were."""
    feed = settings.listen.feeds[0]
    messages = islice(ward(1, 24, datetime(2026, 1, 1, tzinfo=UTC)), first, end)
    return asyncio.run(send_paced(messages, Clock(), feed.host, feed.port, tally=Tally(), on_sent=lambda _: None, paced=False)).aa


def recorded_all(settings: Settings, count: int) -> tuple[datetime, int]:
    """Waits until so many messages are recorded; the instant at which they were."""
    deadline = time.monotonic() + WAIT_S
    while _count(settings) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.05)  # commit times have microseconds; whoever comes next comes later
    reached = datetime.now(UTC)
    time.sleep(0.05)
    return reached, _count(settings)


def _count(settings: Settings) -> int:
    with connect(settings.database.url, application="vigil-drill") as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM vigil.messages").fetchall()
        return int(count)


def _audit(home: Path) -> dict[str, Any]:
    """What `vigil audit` says."""
    done = subprocess.run([*vigil(), "audit", "--json", "--home", str(home)], capture_output=True, text=True, check=False)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


FACTS = """
SELECT md5(string_agg(fact, '|' ORDER BY fact)) FROM (
    SELECT concat_ws('/', topic, partition, "offset", recorded_as, code, value_num, value_text, observed_at, received_at, status, current) AS fact
    FROM vigil.observations
    UNION ALL SELECT concat_ws('/', topic, partition, "offset", outcome, control_id, received_at) FROM vigil.messages
    UNION ALL SELECT concat_ws('/', patient_id, encounter_id, unit, bed, admitted_at, discharged_at) FROM vigil.encounters
    UNION ALL SELECT concat_ws('/', topic, partition, "offset", ordinal, recorded_as, kind, occurred_at, detail) FROM vigil.events
    UNION ALL SELECT concat_ws('/', score_id, name, value, as_of) FROM vigil.scores
    UNION ALL SELECT concat_ws('/', page_id, tier, step, channel, target) FROM vigil.pages
) AS facts
"""


def _facts(settings: Settings) -> str:
    """One digest of all that was recorded, scored and decided."""
    with connect(settings.database.url, application="vigil-drill") as connection:
        [(digest,)] = connection.execute(FACTS).fetchall()
        return str(digest)


def _until(ask: Callable[[], T]) -> T:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return ask()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _timed(do: Callable[[], T]) -> tuple[float, T]:
    began = time.monotonic()
    done = do()
    return time.monotonic() - began, done


def _sentence(found: Drill) -> str:
    verdict = "PASSED" if found.passed else "FAILED"
    return (
        f"{verdict} in {found.seconds} s: {found.acknowledged} acknowledged, {found.at_instant} at the instant, {found.restored} restored "
        f"({found.restore_seconds} s), {found.recorded} recorded in the end ({found.again_seconds} s), {found.gaps} gaps, "
        f"facts {'equal' if found.equal else 'DIFFER'}"
    )
