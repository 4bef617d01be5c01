"""A PostgreSQL of a test's own, which it may kill and start again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from infra.database.migrate import migrate
from infra.local import postgres_server
from infra.local.ports import choose


class OwnPostgres:
    """As `vigil postgres` runs it, with Vigil's schema. A server that was killed refuses to start while its children live, and is started until it does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = choose(folder / "port.json", ["postgres"])["postgres"]
        self.url = postgres_server.url(self._port)
        self._server = self._started()
        self.up()
        postgres_server.ensure_database(self._port)
        migrate(self.url)

    def _started(self) -> "subprocess.Popen[bytes]":
        source = f"import pathlib; from infra.local import postgres_server; postgres_server.run(pathlib.Path({str(self._folder / 'pg')!r}), {self._port})"
        return subprocess.Popen([sys.executable, "-W", "ignore", "-c", source], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def up(self, within_s: float = 120.0) -> None:
        """Returns once it answers."""
        deadline = time.monotonic() + within_s
        while not postgres_server.probe(postgres_server.url(self._port, "postgres")):
            assert time.monotonic() < deadline
            if self._server.poll() is not None:
                self._server = self._started()
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9 of the postmaster. `up` starts it again."""
        os.kill(self._server.pid, signal.SIGKILL)
        self._server.wait()

    def stop(self) -> None:
        """An orderly end."""
        self._server.send_signal(signal.SIGINT)
        self._server.wait()
