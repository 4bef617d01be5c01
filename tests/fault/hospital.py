"""An installation that may be hurt: `vigil up` under a temporary home, its pages to the tests' own provider, its processes killed and frozen."""

import os
import signal
import xmlrpc.client
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from supervisor.xmlrpc import SupervisorTransport

from infra.local import supervision
from infra.local.readiness import fetch
from infra.main.installation import plan_of
from tests.fault.provider import Provider
from tests.installations import Installation

POLICY = """
version = "faults"
max_age_minutes = 60
[tiers.rapid_response]
score = "news2"
raise_at = 7
clear_below = 5
dwell_minutes = 30
[tiers.urgent]
score = "news2"
raise_at = 5
clear_below = 4
dwell_minutes = 30
[tiers.watch]
score = "news2"
red = true
clear_below = 3
dwell_minutes = 30
"""
"""The shipped policy without the model's rule: what NEWS2 says does not depend on whether Triton was there."""

SETTINGS = """
[page]
policy = "{home}/policy.toml"
poll_s = 0.5
lease_s = 6.0
timeout_s = 4.0
[page.channels.pager]
kind = "snpp"
address = "127.0.0.1:{snpp}"
[page.channels.hook]
kind = "webhook"
allow_private = true
address = "http://127.0.0.1:{http}/hook"
secret = "whsec_dmlnaWwtc3RvcnktdGVzdC1zZWNyZXQtMTIzNDU="
[[page.routes]]
tier = "rapid_response"
channel = "pager"
target = "2222"
[[page.routes]]
tier = "urgent"
channel = "hook"
[[page.routes]]
tier = "watch"
channel = "hook"
"""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What kind of installation a fault needs. `up`: further arguments of `vigil up`; `settings`: further lines of `vigil.toml`."""

    up: tuple[str, ...] = ("--workers", "3", "--pagers", "2")
    settings: str = ""
    environment: tuple[tuple[str, str], ...] = field(default=())


USUAL = Layout()


class Hospital(Installation):
    """What a fault does to an installation, and what it sees of it."""

    def __init__(self, home: Path, layout: Layout, prepare: Callable[[Path], None] = lambda _: None) -> None:
        super().__init__(home, dict(layout.environment))
        self.layout = layout
        self.provider = Provider().start()
        (home / "policy.toml").write_text(POLICY)
        (home / "vigil.toml").write_text(SETTINGS.format(home=home, **self.provider.ports) + layout.settings)
        prepare(home)
        try:
            self.up()
        except BaseException:
            self.down()
            raise

    def up(self) -> None:
        """Starts everything and waits until it works."""
        self.vigil("up", "--detach", *self.layout.up)

    def down(self) -> None:
        """Stops everything, the provider too."""
        self.vigil("down", check=False)
        self.provider.stop()

    def ready(self) -> bool:
        """Whether every process does its work."""
        return self.vigil("status", check=False).returncode == 0

    def pids(self) -> Mapping[str, int]:
        """The pid of each running process, by name."""
        return {one["name"]: one["pid"] for one in supervision.processes(self.home) if one["running"] and one["pid"]}

    def supervise(self, method: str, name: str) -> None:
        """`stopProcess`: it stays away until `startProcess`."""
        transport = SupervisorTransport(None, None, f"unix://{supervision.socket_of(self.home)}")
        try:
            getattr(xmlrpc.client.ServerProxy("http://localhost", transport=transport).supervisor, method)(name)
        finally:
            transport.close()

    def workers(self) -> list[str]:
        """The names of the workers that record messages just now."""
        return [name for name in self.pids() if name.split("-")[0] == "work" and self.metric(name, "vigil_messages_processed_total{") > 0]

    def metric(self, name: str, start: str) -> float:
        """The sum of a process's samples that begin so; 0 where it does not answer."""
        plan = plan_of(self.home)
        assert plan is not None
        text = fetch(f"http://127.0.0.1:{plan.ports[f'{name}_metrics']}/metrics", 1.0) or b""
        return sum(float(line.split()[-1]) for line in text.decode().splitlines() if line.startswith(start))

    def put_aside(self) -> int:
        """How often a worker has put a backlog aside so far."""
        return sum(path.read_text(errors="replace").count("backlog_put_aside") for path in (self.home / "logs").glob("work*.log*"))

    def tree(self, name: str) -> list[psutil.Process]:
        """A process and all its children: PostgreSQL's backends, Triton's server and stub."""
        with suppress(psutil.NoSuchProcess, KeyError):
            process = psutil.Process(self.pids()[name])
            return [process, *process.children(recursive=True)]
        return []

    def signal(self, number: signal.Signals, *names: str) -> list[int]:
        """Sends a signal to these, and tells whom it reached."""
        pids = self.pids()
        reached = []
        for pid in [pids[name] for name in names if name in pids]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
                reached.append(pid)
        return reached

    def kill(self, *names: str) -> list[int]:
        """kill -9, frozen or not."""
        return self.signal(signal.SIGKILL, *names)

    def freeze(self, name: str) -> list[psutil.Process]:
        """Stops a process and its children where they stand; `thaw` takes what this gives."""
        frozen = self.tree(name)
        for one in frozen:
            with suppress(psutil.NoSuchProcess):
                one.suspend()
        return frozen

    def thaw(self, frozen: list[psutil.Process]) -> None:
        """Lets them go on."""
        for one in reversed(frozen):
            with suppress(psutil.NoSuchProcess):
                one.resume()
