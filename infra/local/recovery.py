"""Puts a copy back: recovers it beside the old data, to an instant or as far as the log goes, and only then takes the old data's place."""

import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from msgspec import Struct

from infra.local.base_backup import Backup, verify
from infra.local.ports import free
from infra.local.postgres_server import command, hand_over, url

STOP_S = 60.0


class NotRecovered(Exception):
    """The copy could not be recovered as asked, and the old data is untouched; the second line says what to do."""


class Recovered(Struct, frozen=True, kw_only=True):
    """`reached`: when the last transaction that is in it was committed, None where the log held none. `old_data`: where the old data lies now."""

    backup: str
    reached: datetime | None
    old_data: str | None
    seconds: float


def recover(
    backup: Backup, folder: Path, *, at: datetime | None, archive: Path | None, log: Path, on_wait: Callable[[], None] = lambda: None
) -> Recovered:
    """Recovers `backup` into `folder` / data. `archive`: where the server of this folder keeps its own log. Raises NotRecovered, BackupFailed."""
    began = time.monotonic()
    data, making = folder / "data", folder / "data.recovering"
    verify(backup.data)
    shutil.rmtree(making, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(backup.data, making, symlinks=True)
    (making / "recovery.signal").touch()
    hand_over(making)
    reached = _replay(making, _settings(backup, data, at), archive, log, on_wait)
    old = None
    if data.exists():
        old = folder / f"data.before-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        data.rename(old)
    making.rename(data)
    return Recovered(
        backup=backup.path, reached=reached, old_data=str(old) if old else None, seconds=round(time.monotonic() - began, 1)
    )  # fmt: skip


def _settings(backup: Backup, data: Path, at: datetime | None) -> dict[str, str]:
    """On the command line, not in the data: a target written there would hold for the next recovery, too.

    The log is read from the archive, and what never got there from the old data folder. Without any, the copy stands for itself.
    """
    places = [backup.wal_archive, str(data / "pg_wal") if (data / "pg_wal").is_dir() else None]
    copies = [f"cp {shlex.quote(place.replace('%', '%%'))}/%f %p 2>/dev/null" for place in places if place]
    settings = {"restore_command": " || ".join(copies) or "false", "hot_standby": "off", "recovery_target_action": "promote"}
    return settings | ({"recovery_target_time": at.isoformat()} if at is not None else {})


def _replay(data: Path, settings: dict[str, str], archive: Path | None, log: Path, on_wait: Callable[[], None]) -> datetime | None:
    """Runs a server that nobody knows of until it has come to the target, then stops it."""
    port = free()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        server = subprocess.Popen(command(data, port, archive, **settings), stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        while True:
            if server.poll() is not None:
                raise _failure(log)
            try:
                with psycopg.connect(url(port, "postgres"), connect_timeout=2) as connection:
                    [(reached,)] = connection.execute("SELECT pg_last_xact_replay_timestamp()").fetchall()
                    break
            except psycopg.OperationalError:
                on_wait()
                time.sleep(0.2)
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    return reached.astimezone(UTC) if reached is not None else None


def _failure(log: Path) -> NotRecovered:
    text = log.read_text()
    if "recovery ended before configured recovery target was reached" in text:
        last = re.findall(r"last completed transaction was at log time (.+)", text)
        until = last[-1] if last else "the end of the copy itself"
        return NotRecovered(
            f"the log ends before that time, at {until}\ntake an earlier --at, or leave it out to go as far as the log does"
        )
    return NotRecovered(f"PostgreSQL could not recover the copy\nread why in {log}")
