"""Copies of the local database, taken while it works and put back: whole, to an instant, or by a standby that takes over; on real servers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.local import postgres_server
from infra.local.base_backup import listed
from infra.main.installation import Plan, prepare

VIGIL = [sys.executable, "-W", "ignore", "-m", "infra.main"]


def vigil(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*VIGIL, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)


def answer(*arguments: str | Path) -> Any:
    done = vigil(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Database:
    """The local PostgreSQL of one home, started as its supervisor starts it, with a table to write to."""

    def __init__(self, home: Path, *command: str) -> None:
        self.home, self.command = home, command
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return int(json.loads((self.home / "ports.json").read_text())["postgres"])

    @property
    def url(self) -> str:
        return postgres_server.url(self.port, "postgres")

    def start(self) -> None:
        log = (self.home / "server.log").open("ab")
        self.process = subprocess.Popen([*VIGIL, *self.command, "--home", str(self.home)], stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + 30
        while not ((self.home / "ports.json").exists() and postgres_server.probe(self.url)):
            assert self.process.poll() is None, (self.home / "server.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        if self.command == ("postgres",):
            postgres_server.ensure_database(self.port)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)

    def write(self, value: int) -> datetime:
        """The instant after the value was committed."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
            connection.execute("INSERT INTO kept VALUES (%s)", (value,))
            time.sleep(0.01)
            [(now,)] = connection.execute("SELECT clock_timestamp()").fetchall()
            time.sleep(0.01)
            return now.astimezone(UTC)

    def all_archived(self) -> None:
        """Waits until the log so far is in the archive."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            [(last,)] = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchall()
            deadline = time.monotonic() + 20
            while connection.execute("SELECT last_archived_wal >= %s FROM pg_stat_archiver", (last,)).fetchone() != (True,):
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def values(self) -> list[int]:
        with psycopg.connect(self.url) as connection:
            return [value for (value,) in connection.execute("SELECT value FROM kept ORDER BY 1")]


def planned(home: Path, settings: str = "") -> Plan:
    home.mkdir()
    (home / "vigil.toml").write_text(settings)
    return prepare(home, brokers=None, workers=1, pagers=1, demo=False, beds=1, speed=1.0, port_base=None)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """One whose log is archived."""
    planned(tmp_path / "home", f'[database]\nwal_archive = "{tmp_path}/wal"\n')
    one = Database(tmp_path / "home", "postgres")
    one.start()
    yield one
    one.stop()


def test_a_copy_is_put_back_as_it_was_at_any_instant_since(database: Database, tmp_path: Path) -> None:
    database.write(1)
    taken = answer("backup", tmp_path / "copies", "--home", database.home)
    assert taken["archive"]["folder"] == str(tmp_path / "wal")
    assert taken["archive"]["failing"] is False
    then = database.write(2)
    database.write(3)
    database.stop()
    back = answer("restore", tmp_path / "copies", "--at", then.isoformat(), "--home", database.home)
    assert datetime.fromisoformat(back["reached"]) <= then
    database.start()
    assert database.values() == [1, 2]
    database.write(4)
    database.stop()
    assert Path(back["old_data"], "PG_VERSION").exists()
    again = answer("restore", tmp_path / "copies", "--home", database.home)
    assert again["backup"] == back["backup"]
    database.start()
    assert database.values() == [1, 2, 4]


def test_what_a_killed_server_never_archived_is_taken_from_its_old_data(database: Database, tmp_path: Path) -> None:
    database.write(1)
    answer("backup", tmp_path / "copies", "--home", database.home)
    database.write(2)
    database.stop(signal.SIGKILL)
    _until_gone(database.home)
    answer("restore", tmp_path / "copies", "--home", database.home)
    database.start()
    assert database.values() == [1, 2]


def _until_gone(home: Path) -> None:
    """A killed server's own processes take a moment to notice."""
    deadline = time.monotonic() + 20
    while postgres_server.running(home / "postgres" / "data") and time.monotonic() < deadline:
        time.sleep(0.1)


def test_a_copy_without_archive_is_put_back_as_it_is_into_another_home(tmp_path: Path) -> None:
    planned(tmp_path / "one")
    one = Database(tmp_path / "one", "postgres")
    one.start()
    try:
        one.write(1)
        taken = answer("backup", tmp_path / "copies", "--home", one.home)
        assert taken["archive"] is None
        after = one.write(2)
    finally:
        one.stop()
    refused = vigil("restore", tmp_path / "copies", "--at", after.isoformat(), "--home", tmp_path / "two")
    assert refused.returncode == 2
    assert "without an archive" in refused.stderr
    planned(tmp_path / "two")
    answer("restore", taken["backup"]["path"], "--home", tmp_path / "two")
    two = Database(tmp_path / "two", "postgres")
    two.start()
    try:
        assert two.values() == [1]
    finally:
        two.stop()


def test_restoring_refuses_what_it_cannot_do_and_leaves_the_data_alone(database: Database, tmp_path: Path) -> None:
    before = database.write(1)
    copies = tmp_path / "copies"
    copies.mkdir()
    none = vigil("restore", copies, "--home", database.home)
    database_up = vigil("restore", copies, "--home", database.home)
    path = Path(answer("backup", copies, "--home", database.home)["backup"]["path"])
    database.stop()
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    refusals = {
        "something still runs": none,
        "something still runs under": database_up,
        "after the time asked for": vigil("restore", copies, "--at", before.isoformat(), "--home", database.home),
        "the log ends before that time": vigil("restore", copies, "--at", tomorrow, "--home", database.home),
        "has no offset": vigil("restore", copies, "--at", "2026-03-01T08:00:00", "--home", database.home),
    }
    for said, refused in refusals.items():
        assert said in refused.stderr
        assert refused.returncode == 2
        assert len(refused.stderr.splitlines()) == 2
    (path / "data" / "global" / "pg_control").write_bytes(b"rotten")
    rotten = vigil("restore", copies, "--home", database.home)
    assert (rotten.returncode, "pg_verifybackup failed" in rotten.stderr) == (3, True)
    database.start()
    assert database.values() == [1]


def test_only_the_newest_copies_are_kept_and_the_log_that_they_need(database: Database, tmp_path: Path) -> None:
    for value in range(3):
        database.write(value)
        database.all_archived()
        taken = answer("backup", tmp_path / "copies", "--keep", "2", "--home", database.home)
    assert len(taken["removed"]) == 1
    kept = listed(tmp_path / "copies")
    assert len(kept) == 2
    oldest = min(path.name[:24] for path in (tmp_path / "wal").iterdir())
    assert oldest >= kept[0].first_wal
    then = database.write(9)
    database.write(10)
    database.stop()
    answer("restore", kept[0].path, "--at", then.isoformat(), "--home", database.home)
    database.start()
    assert database.values() == [0, 1, 2, 9]


def test_a_database_that_vigil_does_not_run_is_somebody_elses_to_back_up(tmp_path: Path) -> None:
    planned(tmp_path / "home", '[database]\nurl = "postgresql://vigil:hunter2@db.hospital.test/vigil"\n')
    for command in (["backup", tmp_path / "copies"], ["restore", tmp_path]):
        refused = vigil(*command, "--home", tmp_path / "home")
        assert refused.returncode == 2
        assert "pgBackRest" in refused.stderr
        assert "hunter2" not in refused.stderr


def test_a_standby_follows_and_takes_over_when_the_database_dies(database: Database, tmp_path: Path) -> None:
    database.write(1)
    standby = Database(tmp_path / "standby", "standby", "--of", str(database.home))
    standby.home.mkdir()
    standby.start()
    try:
        database.write(2)
        _until_values(standby, [1, 2])
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            standby.write(3)
        standby.stop()
        database.write(3)
        standby.start()
        _until_values(standby, [1, 2, 3])
        database.stop(signal.SIGKILL)
        promoted = answer("promote", "--home", standby.home)
        assert promoted["url"] == standby.url.removesuffix("postgres") + "vigil"
        standby.write(4)
        assert vigil("promote", "--home", standby.home).returncode == 2
        standby.stop()
        standby.start()
        assert standby.values() == [1, 2, 3, 4]
    finally:
        standby.stop()


def _until_values(database: Database, expected: list[int]) -> None:
    deadline = time.monotonic() + 20
    while database.values() != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert database.values() == expected


def test_the_copies_of_a_server_run_by_root_belong_to_nobody_else(database: Database, tmp_path: Path) -> None:
    path = Path(answer("backup", tmp_path / "copies", "--home", database.home)["backup"]["path"])
    assert (path / "data").stat().st_mode & 0o077 == 0
    assert (path / "data").stat().st_uid == os.geteuid()
