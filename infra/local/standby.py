"""A second server that follows the first one's log from moment to moment, and takes its place when told to."""

import re
import shutil
import socket
from pathlib import Path

import psycopg

from infra.local.base_backup import tool
from infra.local.postgres_server import hand_over, url

PROMOTE_S = 60


class NotAStandby(Exception):
    """The server under this home follows nobody: it was promoted already, or never was a standby."""


def made(folder: Path) -> bool:
    """Whether a whole copy lies there already; from then on the server itself knows whom it follows, or that it was promoted."""
    return (folder / "data" / "PG_VERSION").exists()


def make(primary: str, folder: Path) -> None:
    """Copies the primary's data. Raises BackupFailed. The slot keeps on the primary the log that a standby away for a while still needs."""
    folder.mkdir(parents=True, exist_ok=True)
    making = folder / "data.copying"
    shutil.rmtree(making, ignore_errors=True)
    slot = slot_of(folder)
    with psycopg.connect(primary, autocommit=True, connect_timeout=5) as connection:
        if connection.execute("SELECT FROM pg_replication_slots WHERE slot_name = %s", (slot,)).fetchone() is None:
            connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", (slot,))
    tool("pg_basebackup", "-d", primary, "-D", str(making), "-X", "stream", "-c", "fast", "-R", "-S", slot, "-w", "-l", "vigil standby")
    hand_over(making)
    making.rename(folder / "data")


def slot_of(folder: Path) -> str:
    """The name of the standby's replication slot on the primary: of lower case letters, digits and underscores, as PostgreSQL wants it."""
    return re.sub(r"[^a-z0-9_]", "_", f"vigil_{socket.gethostname()}_{folder.parent.name}".lower())[:63]


def promote(port: int) -> None:
    """Makes the standby a server that writes. Raises NotAStandby, or psycopg.OperationalError where it is down."""
    with psycopg.connect(url(port, "postgres"), autocommit=True, connect_timeout=5) as connection:
        if connection.execute("SELECT pg_is_in_recovery()").fetchone() != (True,):
            raise NotAStandby
        connection.execute("SELECT pg_promote(true, %s)", (PROMOTE_S,))
