"""`vigil doctor`: looks at everything needed and says what is missing and how to get it."""

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
import psutil

from infra.local import postgres_server, supervision
from infra.local.places import KAFKA_JARS, TRITON, NotInstalled, finished
from infra.local.ports import HOST, answers
from infra.local.readiness import reachable
from infra.local.triton_server import SHARED_MEMORY, library_folder
from infra.main.cli import NOT_THERE
from infra.main.home import home_option, json_option, settings_of

FREE_GB = 2.0
MEMORY_GB = 3.0
SHARED_MEMORY_MB = 32
"""Kafka takes about 0.4 GB, PostgreSQL 0.3, Triton 0.3, Vigil's processes 0.1 each; the rest is page cache that Kafka and PostgreSQL live on.
Triton's python backend takes 1 MB of shared memory for each instance of a model, and PostgreSQL some more."""

Check = Callable[[], str | None]


@click.command()
@home_option
@json_option
@click.pass_context
def command(context: click.Context, home: Path, as_json: bool) -> None:
    """Exit status 3 where something is missing."""
    found = [{"what": what, "missing": check()} for what, check in checks(home.absolute())]
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        for one in found:
            click.echo(f"{'MISSING' if one['missing'] else 'good':8} {one['what']}" + (f": {one['missing']}" if one["missing"] else ""))
    context.exit(NOT_THERE if any(one["missing"] for one in found) else 0)


def checks(home: Path) -> list[tuple[str, Check]]:
    """Each says how to get what it misses, or nothing."""
    return [
        ("Python 3.11 or 3.12", lambda: None if (3, 11) <= sys.version_info[:2] <= (3, 12) else "apt-get install python3 python3-venv"),
        ("Java 17", _java),
        ("Maven", lambda: None if shutil.which("mvn") or finished(KAFKA_JARS) else "apt-get install maven"),
        ("Kafka", lambda: None if finished(KAFKA_JARS) else "make setup"),
        ("Triton's environment", lambda: None if finished(TRITON) else "make setup"),
        ("Python's shared library, for Triton", _library),
        (f"{SHARED_MEMORY_MB} MB of shared memory, for Triton", _shared_memory),
        ("PostgreSQL", _postgres),
        ("a name for this user, for PostgreSQL", _user),
        ("setpriv", lambda: None if shutil.which("setpriv") else "apt-get install util-linux"),
        (f"{FREE_GB:g} GB of disk", lambda: _disk(home)),
        (f"{MEMORY_GB:g} GB of memory", lambda: None if psutil.virtual_memory().available > MEMORY_GB * 1e9 else "close something"),
        ("ports that vigil.toml names", lambda: _ports(home)),
    ]


def _java() -> str | None:
    java = shutil.which("java")
    if java is None:
        return "apt-get install openjdk-17-jre-headless"
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    major = said.partition('version "')[2].partition(".")[0]
    return None if major.isdigit() and int(major) >= 17 else "apt-get install openjdk-17-jre-headless"


def _postgres() -> str | None:
    try:
        return None if (postgres_server.binaries() / "postgres").exists() else "make setup"
    except NotInstalled:
        return "make setup"


def _user() -> str | None:
    """PostgreSQL refuses a user number that has no name, as some container platforms hand out."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return f"give user {os.geteuid()} a name: useradd --uid {os.geteuid()} vigil"
    return None


def _library() -> str | None:
    """The python backend loads the library of the very Python in use (design decision 5); Debian packs it apart."""
    name = str(sysconfig.get_config_var("INSTSONAME") or "")
    if ".so" in name and any((folder / name).exists() for folder in (library_folder(), Path(sys.base_prefix) / "lib")):
        return None
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return f"apt-get install libpython{version}, or a Python {version} built with --enable-shared"


def _shared_memory() -> str | None:
    free = shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.exists() else 0
    return None if free > SHARED_MEMORY_MB * 1e6 else f"make room in {SHARED_MEMORY} (docker run --shm-size=256m)"


def _ports(home: Path) -> str | None:
    """Ports that nobody fixed are chosen free; a fixed one that somebody else has keeps Vigil from starting."""
    if not (home / "vigil.toml").exists() or supervision.leftovers(home):
        return None
    settings_of(home)  # a wrong file is told as everywhere
    given = tomllib.loads((home / "vigil.toml").read_text())
    wanted = [*given.get("listen", {}).get("feeds", []), given.get("board", {})]
    taken = [str(one["port"]) for one in wanted if one.get("port") and answers(one["port"], reachable(one.get("host", HOST)))]
    return f"free port {', '.join(taken)}, or name another in {home}/vigil.toml" if taken else None


def _disk(home: Path) -> str | None:
    present = next(folder for folder in (home, *home.parents) if folder.exists())
    return None if shutil.disk_usage(present).free > FREE_GB * 1e9 else f"make room on the disk of {present}"
