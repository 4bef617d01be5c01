"""A whole installation under a home of its own, as tests drive it: its command line, its database, and waiting for something to become true."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg

from infra.main.home import settings_of
from infra.settings import Settings

VIGIL = [sys.executable, "-W", "ignore", "-m", "infra.main"]
PATIENCE_S = 280.0
"""For one command; a cold `vigil up` on a busy machine takes minutes."""


class Installation:
    """What a test does to an installation, and what it sees of it."""

    def __init__(self, home: Path, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        self.home, self.environment = home, environment

    @property
    def settings(self) -> Settings:
        return settings_of(self.home)

    def vigil(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command of Vigil under this home."""
        done = subprocess.run(
            [*VIGIL, *arguments, "--home", str(self.home)], capture_output=True, text=True, check=False, timeout=PATIENCE_S,
            env=os.environ | dict(self.environment),
        )  # fmt: skip
        assert not check or done.returncode == 0, f"vigil {' '.join(arguments)}: {done.returncode}\n{done.stderr[-2000:]}"
        return done

    def ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows from the database."""
        with psycopg.connect(self.settings.database.url, connect_timeout=5) as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()


def eventually(holds: Callable[[], bool], within_s: float = 90.0, every_s: float = 0.1) -> None:
    """Waits for something to become true; an outage on the way (a killed database) is waited out too."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            if holds():
                return
        time.sleep(every_s)
    assert holds()
