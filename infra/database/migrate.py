"""Brings a database to the schema this version needs; forward only, safe to run from several processes at once."""

import re
from importlib.resources import files
from pathlib import Path

from yoyo import get_backend, read_migrations

FOLDER = Path(str(files("infra.database"))) / "migrations"


def migrate(url: str) -> int:
    """Applies what is missing, in order, under yoyo's lock, and tells how many migrations that were."""
    backend = get_backend(_address(url))
    try:
        with backend.lock():
            missing = backend.to_apply(read_migrations(str(FOLDER)))
            backend.apply_migrations(missing)
            return len(missing)
    finally:
        backend.connection.close()


def _address(url: str) -> str:
    """yoyo's name of the driver, and its own tables in `public`: the search path begins with the user's name, and a schema may bear it too."""
    driver = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)
    return f"{driver}{'&' if '?' in driver else '?'}options=-csearch_path%3Dpublic"
