"""The real servers that tests share: started once for all workers of a run, stopped when the run ends."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from confluent_kafka import KafkaException

from infra.database.migrate import migrate
from infra.local import kafka_server, postgres_server, readiness, supervision
from infra.local.ports import answers
from infra.main.home import settings_of
from infra.main.installation import Plan, plan_of, prepare
from infra.settings import Settings
from streams import topics

SERVERS = ("kafka", "postgres", "triton")
RUN = "VIGIL_TEST_SERVERS"
"""Set by the process that runs pytest, inherited by its workers: the home of the shared servers."""


def announce() -> None:
    """Chooses the home; called once a run, before any worker starts."""
    os.environ[RUN] = tempfile.mkdtemp(prefix="vigil-test-")


def end() -> None:
    """Stops what was started; called once a run."""
    home = Path(os.environ.pop(RUN))
    supervision.stop(home)
    shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def shared() -> Settings:
    """The settings of the running servers; the first who asks starts them."""
    home = Path(os.environ[RUN])
    with _alone(home):
        if not (home / "up").exists():
            _start(home)
            (home / "up").touch()
    return settings_of(home)


def _start(home: Path) -> None:
    plan = prepare(home, workers=1, pagers=1, demo=False, beds=1, speed=1.0, port_base=None)
    chosen = [program for program in plan.programs(home) if program.name in SERVERS]
    supervision.start(home, chosen)
    settings = settings_of(home)
    deadline = time.monotonic() + 90
    filled = False
    while True:
        filled = filled or _fill(plan, settings)
        known = {one["name"]: one["running"] for one in supervision.processes(home)}
        if filled and known and all(readiness.all_ready(chosen, settings, known).values()):
            break
        if time.monotonic() > deadline:
            raise TimeoutError(f"the servers did not start; look into {home}/logs")
        time.sleep(0.2)


def _fill(plan: Plan, settings: Settings) -> bool:
    if not (answers(plan.ports["postgres"]) and answers(plan.ports["kafka"])):
        return False
    try:
        postgres_server.ensure_database(plan.ports["postgres"])
        migrate(settings.database.url)
        kafka_server.ensure_topics(settings.kafka.bootstrap, topics.RAW, (topics.QUARANTINE, topics.SCORES, topics.ALERTS), settings.kafka)
    except (psycopg.OperationalError, KafkaException):
        return False
    return True


def port_of(name: str) -> int:
    """A port of the shared servers."""
    plan = plan_of(Path(os.environ[RUN]))
    assert plan is not None
    return plan.ports[name]
