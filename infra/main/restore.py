"""`vigil restore`: puts a copy of the local database back, as it was at an instant or as far as the archived log goes."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from infra.local import postgres_server, supervision
from infra.local.base_backup import BackupFailed
from infra.local.places import NotInstalled
from infra.local.recovery import NotRecovered, Recovered, recover
from infra.main.backup import newest, refuse_foreign
from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import home_option, json_option
from infra.main.postgres import archive_of


@click.command()
@home_option
@json_option
@click.option("--at", help="As it was at this instant, real time, ISO 8601 with offset.  [default: as far as the log goes]")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def command(home: Path, as_json: bool, at: str | None, folder: Path) -> None:
    """Restores the newest fitting copy under FOLDER, or the one that FOLDER is, into a home that is down. The old data is kept beside it."""
    home = home.absolute()
    recovered = restore(home, folder, instant(at))
    if as_json:
        click.echo(msgspec.json.encode(recovered).decode())
        return
    reached = recovered.reached.isoformat() if recovered.reached else "the copy itself"
    old = f"; the old data is in {recovered.old_data}, remove it when all is well" if recovered.old_data else ""
    click.echo(
        f"restored to {reached} in {recovered.seconds} s{old}\nstart it: vigil up --home {home}; what Kafka holds since is read again by itself"
    )


def restore(home: Path, folder: Path, at: datetime | None) -> Recovered:
    """The command itself. Ends with Trouble where something runs under the home, or the copy cannot be recovered as asked."""
    refuse_foreign(home)
    if supervision.leftovers(home) or postgres_server.running(home / "postgres" / "data"):
        raise Trouble(f"something still runs under {home}", f"stop it first: vigil down --home {home}")
    backup = newest(folder, at)
    if at is not None and backup.wal_archive is None:
        raise Trouble(f"the copy in {backup.path} was taken without an archive of the log", "leave --at out to restore the copy as it is")
    began = time.monotonic()

    def tell() -> None:
        if sys.stderr.isatty():
            click.echo(f"\rrecovering, {time.monotonic() - began:.0f} s ", nl=False, err=True)

    try:
        return recover(backup, home / "postgres", at=at, archive=archive_of(home), log=home / "logs" / "restore.log", on_wait=tell)
    except NotRecovered as failure:
        wrong, _, remedy = str(failure).partition("\n")
        raise Trouble(wrong, remedy) from failure
    except (BackupFailed, NotInstalled) as failure:
        wrong, _, remedy = str(failure).partition("\n")
        raise Trouble(wrong, remedy, NOT_THERE) from failure


def instant(text: str | None) -> datetime | None:
    """An aware time; two lines where the text is none."""
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise Trouble(f"--at {text} is no time", "write it like 2026-03-01T08:00:00+00:00") from error
    if at is not None and at.tzinfo is None:
        raise Trouble(f"--at {text} has no offset", "write it like 2026-03-01T08:00:00+00:00")
    return at.astimezone(UTC) if at is not None else None
