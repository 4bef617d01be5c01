"""The servers that benchmarks run on: a whole installation in a temporary home, or its PostgreSQL alone."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.database.connect import connect_patiently
from infra.database.migrate import migrate
from infra.local import postgres_server, supervision
from infra.local.places import vigil
from infra.local.ports import HOST, choose
from infra.main.home import settings_of
from infra.main.installation import prepare
from infra.settings import Settings

READY_S = 60.0


@contextmanager
def installation(workers: int) -> Iterator[Settings]:
    """`vigil up` in a temporary home, its pages to a local catcher."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    ports = choose(home / "catchers.json", ["snpp", "smtp", "http"])
    channel = f'[page.channels.pager]\nkind = "snpp"\naddress = "{HOST}:{ports["snpp"]}"\n'
    (home / "vigil.toml").write_text(channel + '[[page.routes]]\ntier = "rapid_response"\nchannel = "pager"\ntarget = "1"\n')
    catch = [
        *vigil(),
        "catch",
        "--home",
        str(home),
        "--snpp-port",
        str(ports["snpp"]),
        "--smtp-port",
        str(ports["smtp"]),
        "--http-port",
        str(ports["http"]),
    ]
    catcher = subprocess.Popen(catch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        subprocess.run([*vigil(), "up", "--detach", "--home", str(home), "--workers", str(workers)], check=True, capture_output=True)
        yield settings_of(home)
    finally:
        subprocess.run([*vigil(), "down", "--home", str(home)], check=False, capture_output=True)
        catcher.terminate()
        catcher.wait()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def database() -> Iterator[str]:
    """A migrated database on a PostgreSQL of its own."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    plan = prepare(home, workers=1, pagers=1, demo=False, beds=1, speed=1.0, port_base=None)
    port = plan.ports["postgres"]
    try:
        supervision.start(home, [program for program in plan.programs(home) if program.name == "postgres"])
        connect_patiently(postgres_server.url(port, "postgres"), application="vigil-bench", wait_s=READY_S).close()
        postgres_server.ensure_database(port)
        migrate(postgres_server.url(port))
        yield postgres_server.url(port)
    finally:
        supervision.stop(home)
        shutil.rmtree(home, ignore_errors=True)
