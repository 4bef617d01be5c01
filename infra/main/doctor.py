"""`vigil doctor`: looks at everything needed and says what is missing and how to get it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
import psutil

from infra.local import postgres_server
from infra.local.places import KAFKA_JARS, TRITON_PYTHON, NotInstalled
from infra.main.cli import NOT_THERE
from infra.main.home import home_option, json_option

FREE_GB = 2.0
MEMORY_GB = 3.0
"""Kafka takes about 0.4 GB, PostgreSQL 0.3, Triton 0.3, Vigil's processes 0.1 each; the rest is page cache that Kafka and PostgreSQL live on."""

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
        ("Maven", lambda: None if shutil.which("mvn") or KAFKA_JARS.exists() else "apt-get install maven"),
        ("Kafka", lambda: None if KAFKA_JARS.exists() else "make setup"),
        ("Triton's environment", lambda: None if TRITON_PYTHON.exists() else "make setup"),
        ("PostgreSQL", _postgres),
        ("setpriv", lambda: None if shutil.which("setpriv") else "apt-get install util-linux"),
        (f"{FREE_GB:g} GB of disk", lambda: _disk(home)),
        (f"{MEMORY_GB:g} GB of memory", lambda: None if psutil.virtual_memory().available > MEMORY_GB * 1e9 else "close something"),
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


def _disk(home: Path) -> str | None:
    present = next(folder for folder in (home, *home.parents) if folder.exists())
    return None if shutil.disk_usage(present).free > FREE_GB * 1e9 else f"make room on the disk of {present}"
