"""Messages that Kafka let go before they were recorded: the worker stands still, a person decides, and it goes on with nothing missing unsaid."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from infra.database.connect import connect
from infra.local.places import vigil
from infra.main import drill
from infra.main.home import settings_of
from infra.main.installation import Plan, prepare
from infra.settings import Settings
from streams import lost
from streams.audit import Counts, audit
from streams.backlog import Range
from tests.installations import eventually

pytestmark = pytest.mark.xdist_group("installations")


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[tuple[Path, Plan, Settings]]:
    home = tmp_path / "home"
    plan = prepare(home, workers=1, pagers=1, demo=False, beds=1, speed=1.0, port_base=None)
    yield home, plan, settings_of(home)


def ask(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*vigil(), *arguments, "--json", "--home", str(home)], capture_output=True, text=True, check=False, timeout=100)


def lose(settings: Settings, count: int) -> tuple[str, int, int]:
    """Takes the newest `count` messages of one partition from the database and from Kafka; tells the topic, the partition, and the first of them."""
    with connect(settings.database.url) as connection:
        query = "SELECT topic, partition, next_offset FROM vigil_store.progress ORDER BY next_offset DESC LIMIT 1"
        [(topic, partition, reached)] = connection.execute(query).fetchall()
        names = {"topic": topic, "partition": partition, "first": reached - count}
        connection.execute(
            "UPDATE vigil_store.progress SET next_offset = %(first)s WHERE topic = %(topic)s AND partition = %(partition)s", names
        )
        connection.execute(
            'DELETE FROM vigil_store.message WHERE topic = %(topic)s AND partition = %(partition)s AND "offset" >= %(first)s', names
        )
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap})
    for future in admin.delete_records([TopicPartition(topic, partition, reached)]).values():
        assert future.result().low_watermark == reached
    return topic, partition, reached - count


def test_a_worker_that_stands_still_goes_on_when_somebody_says_so(installation: tuple[Path, Plan, Settings]) -> None:
    home, plan, settings = installation
    with drill.running(home, plan, settings):
        sent = drill.send(settings, 0, 60)
        drill.recorded_all(settings, sent)
        topic, partition, first = lose(settings, 3)
        sent += drill.send(settings, 60, 160)
        eventually(lambda: [gap["kind"] for gap in json.loads(ask(home, "audit").stdout)["gaps"]] == ["retention_outran_the_worker"])
        told = ask(home, "skip")
        assert told.returncode == 1
        assert json.loads(told.stdout)["lost"] == [{"topic": topic, "partition": partition, "first": first, "until": first + 3}]
        done = ask(home, "skip", "--yes", "--by", "A. Name")
        assert done.returncode == 0, done.stderr
        eventually(lambda: json.loads(ask(home, "audit").stdout)["waiting"] == 0)
        clean = ask(home, "audit")
        counted = json.loads(clean.stdout)
        assert (clean.returncode, counted["recorded"]) == (0, counted["in_kafka"])
        with psycopg.connect(settings.database.url) as connection:
            assert connection.execute("SELECT count(*) FROM vigil.messages WHERE reason LIKE 'lost:%%'").fetchone() == (3,)
            assert connection.execute("SELECT actor, action, subject FROM vigil.audit_log").fetchall() == [
                ("A. Name", "skip_lost", f"{topic}/{partition}")
            ]
        assert json.loads(ask(home, "skip").stdout) == {"lost": [], "skipped": False}


def test_of_a_range_put_aside_only_what_kafka_let_go_is_lost(postgres_url: str) -> None:
    aside = Range(topic="hl7.oru", partition=0, next_offset=5, until_offset=40)
    place = aside.place
    with connect(postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO vigil_store.progress (topic, partition, next_offset) VALUES ('hl7.oru', 0, 60)")
        cursor.execute("INSERT INTO vigil_store.backlog (topic, partition, next_offset, until_offset) VALUES ('hl7.oru', 0, 5, 40)")
        [one] = lost.found({place: (20, 60)}, {place: 60}, [aside])
        assert (one.first, one.until) == (5, 20)
        lost.skip(cursor, one, datetime.now(UTC))
        assert cursor.execute("SELECT next_offset, until_offset FROM vigil_store.backlog").fetchall() == [(20, 40)]
        with pytest.raises(lost.Moved):
            lost.skip(cursor, one, datetime.now(UTC))
        rows = cursor.execute('SELECT count(*), min("offset"), max("offset") FROM vigil.messages WHERE outcome = \'ignored\'').fetchall()
        assert rows == [(15, 5, 19)]
    counts = Counts(recorded=35, distinct=35, first=5, last=59)
    assert (
        audit({place: (20, 60)}, {place: 60}, {place: counts}, [Range(topic="hl7.oru", partition=0, next_offset=20, until_offset=40)]).gaps
        == ()
    )
