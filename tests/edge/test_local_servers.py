"""The real Kafka and PostgreSQL as `vigil up` starts them: settings that durability and privacy stand on, and probes that do real work."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from infra.local import kafka_server, postgres_server
from infra.local.ports import HOST
from infra.settings import Settings
from streams import topics
from tests import servers


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port on which nobody listens, held so that nobody begins to."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield held.getsockname()[1]


def test_a_probe_tells_a_working_server_from_an_absent_one(settings: Settings, nobody: int) -> None:
    assert kafka_server.probe(settings.kafka.bootstrap)
    assert not kafka_server.probe(f"{HOST}:{nobody}", timeout_s=0.5)
    assert postgres_server.probe(settings.database.url)
    assert not postgres_server.probe(postgres_server.url(nobody))


def test_the_raw_topics_have_equal_partitions_and_asking_twice_changes_nothing(settings: Settings) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap})
    before = {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=10).topics.items()}
    kafka_server.ensure_topics(settings.kafka.bootstrap, topics.RAW, (topics.QUARANTINE,), settings.kafka)
    assert {before[name] for name in topics.RAW} == {settings.kafka.partitions}
    assert {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=10).topics.items()} == before


def test_kafka_takes_the_largest_frame_that_the_listener_does(settings: Settings) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap})
    [future] = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topics.RAW[0])]).values()
    assert int(future.result()["max.message.bytes"].value) > settings.listen.max_frame_bytes


@pytest.mark.parametrize(
    ("name", "value"), [("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on"), ("timezone", "UTC")]
)
def test_what_postgres_commits_is_on_disk(postgres_url: str, name: str, value: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT current_setting(%s)", (name,)).fetchone() == (value,)


def test_postgres_listens_on_loopback_only(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == (HOST,)
        assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)


def test_unqualified_names_mean_the_public_schema_although_the_role_and_a_schema_share_a_name(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT current_schema()").fetchone() == ("public",)


def test_an_error_that_quotes_a_row_leaves_no_trace_of_it_in_the_log(postgres_url: str) -> None:
    """PostgreSQL quotes keys, lines of a COPY and whole statements unless it is told not to."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE patient (mrn text PRIMARY KEY)")
        with pytest.raises(psycopg.errors.UniqueViolation), connection.cursor().copy("COPY patient FROM STDIN") as copy:
            copy.write("CANARY\nCANARY\n")
        with pytest.raises(psycopg.errors.SyntaxError):
            connection.execute("INSERT INTO patient VALUES ('CANARY', 2)")
    log = (Path(os.environ[servers.RUN]) / "logs" / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "CANARY" not in log


class Become:
    """The command that `vigil postgres` runs, on a folder of the test's own."""

    def __init__(self, folder: Path, port: int) -> None:
        source = f"import pathlib; from infra.local import postgres_server; postgres_server.run(pathlib.Path({str(folder)!r}), {port})"
        self.process = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def answers(self, port: int) -> None:
        while not postgres_server.probe(postgres_server.url(port, "postgres")):
            assert self.process.poll() is None
            time.sleep(0.1)

    def ended(self) -> str:
        return self.process.communicate(timeout=60)[0]


def test_a_pid_file_of_a_running_server_is_left_alone(settings: Settings, nobody: int) -> None:
    """A second server on the same data would destroy it; PostgreSQL refuses as long as its file is there."""
    folder = Path(os.environ[servers.RUN]) / "postgres"
    assert settings.database.url
    assert "postmaster.pid" in Become(folder, nobody).ended()
    assert (folder / "data" / "postmaster.pid").exists()
    assert postgres_server.probe(settings.database.url)


def test_a_pid_file_whose_number_is_some_other_programs_by_now_does_not_keep_postgres_from_starting(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    data = tmp_path / "data"
    starting = Become(tmp_path, port)
    try:
        starting.answers(port)
        starting.process.kill()
        starting.ended()
        lines = (data / "postmaster.pid").read_text().splitlines()
        (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        starting = Become(tmp_path, port)
        starting.answers(port)
        assert starting.process.poll() is None
    finally:
        starting.process.terminate()
        starting.ended()
