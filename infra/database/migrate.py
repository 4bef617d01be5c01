"""Brings a database to the schema this version needs; forward only, safe to run from several processes at once and while others write."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import psycopg
from yoyo import get_backend, read_migrations
from yoyo.backends import DatabaseBackend
from yoyo.migrations import Migration

FOLDER = Path(str(files("infra.database"))) / "migrations"

ONE_AT_A_TIME = 7106116564
"""The advisory lock of whoever migrates. It goes with its connection: yoyo's own lock is a row, which a killed process leaves behind for ever."""

LOCK_WAIT = "2s"
"""How long a migration waits for a table. Everybody who comes after it waits behind it, so it gives up soon, lets them pass and tries again."""

PATIENCE_S = 120.0


class MigrationBlocked(Exception):
    """A migration did not get a table for itself. Look for a long transaction in pg_stat_activity, end it, and migrate again."""


def migrate(url: str, folder: Path = FOLDER, patience_s: float = PATIENCE_S) -> int:
    """Applies what is missing, in order, and tells how many migrations that were. Raises MigrationBlocked, with the earlier ones applied."""
    began, applied = time.monotonic(), 0
    with _alone(url):
        backend = get_backend(_address(url))
        try:
            backend.ensure_internal_schema_updated()
            while missing := backend.to_apply(read_migrations(str(folder))):
                try:
                    _apply(backend, missing[0])
                    applied += 1
                except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as blocked:
                    if time.monotonic() - began > patience_s:
                        raise MigrationBlocked(f"{missing[0].id} waited {patience_s:.0f} s for a table that others keep") from blocked
                    time.sleep(0.5)
        finally:
            backend.connection.close()
    return applied


def _apply(backend: DatabaseBackend, migration: Migration) -> None:
    """The migration and the note that it was applied in one transaction; yoyo's own `apply_one` takes two, and a kill between them would be for good."""
    with backend.transaction():
        migration.process_steps(backend, "apply")
        backend.mark_one(migration, log=False)


@contextmanager
def _alone(url: str) -> Iterator[None]:
    with psycopg.connect(url, autocommit=True, connect_timeout=5, application_name="vigil-migrate") as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (ONE_AT_A_TIME,))
        yield


def _address(url: str) -> str:
    """yoyo's name of the driver, and its own tables in `public`: the search path begins with the user's name, and a schema may bear it too."""
    driver = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)
    return f"{driver}{'&' if '?' in driver else '?'}options=-csearch_path%3Dpublic%20-clock_timeout%3D{LOCK_WAIT}"
