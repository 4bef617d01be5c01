"""`vigil backup`: a verified copy of the local database, taken while everything runs."""

from datetime import datetime
from pathlib import Path

import click
import msgspec
import psycopg
from msgspec import Struct

from infra.database.connect import connect
from infra.local.base_backup import Backup, BackupFailed, listed, take, thin_out
from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import home_option, json_option, needs_system, settings_of
from infra.main.installation import plan_of
from infra.main.postgres import archive_of

ARCHIVER = """
SELECT current_setting('archive_mode') = 'on', last_archived_time, coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)
FROM pg_stat_archiver
"""


class Archive(Struct, frozen=True, kw_only=True):
    """Where the log goes. `failing`: the last attempt did not succeed, so that the disk under the server fills and no instant since can be restored."""

    folder: str
    last_archived_at: datetime | None
    failing: bool


@click.command()
@home_option
@json_option
@click.option(
    "--keep", type=click.IntRange(min=1), help="Afterwards remove all but so many copies, and the archived log that only they needed."
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def command(home: Path, as_json: bool, keep: int | None, folder: Path) -> None:
    """Copies the local database into a new folder under FOLDER and proves the copy whole."""
    url = own_database(home)
    try:
        archive = _archive(home, url)
        backup = take(url, folder.absolute(), Path(archive.folder) if archive else None)
        removed = thin_out(folder.absolute(), keep) if keep else []
    except psycopg.OperationalError as away:
        raise Trouble("PostgreSQL does not answer", f"look at it: vigil status --home {home}", NOT_THERE) from away
    except BackupFailed as failed:
        wrong, _, said = str(failed).partition("\n")
        raise Trouble(wrong, said, NOT_THERE) from failed
    if as_json:
        answer = {"backup": backup, "archive": archive, "removed": [str(path) for path in removed]}
        click.echo(msgspec.json.encode(answer).decode())
    else:
        click.echo(_sentence(backup, archive, len(removed)))


def own_database(home: Path) -> str:
    """The URL of the database that Vigil itself runs under this home; two lines where there is none, or where it is somebody else's to back up."""
    refuse_foreign(home)
    return needs_system(settings_of(home)).database.url


def refuse_foreign(home: Path) -> None:
    """Ends the command where database.url names a server that is not Vigil's own."""
    plan = plan_of(home)
    if settings_of(home).database.url and (plan is None or not plan.local_database):
        raise Trouble(
            "database.url names a server that Vigil does not run, and so does not back up or restore",
            "use the hospital's own tooling for it: pg_basebackup, pgBackRest, Barman or its provider's snapshots; see infra/docs/backup.md",
        )


def newest(folder: Path, before: datetime | None) -> Backup:
    """The newest copy under a folder that was finished before then."""
    copies = listed(folder.absolute())
    if not copies:
        raise Trouble(f"no copy lies under {folder}", f"take one: vigil backup {folder}")
    fitting = [copy for copy in copies if before is None or copy.finished_at <= before]
    if not fitting:
        raise Trouble(
            f"the oldest copy under {folder} was finished at {copies[0].finished_at.isoformat()}, after the time asked for",
            "take a later --at",
        )
    return fitting[-1]


def _archive(home: Path, url: str) -> Archive | None:
    folder = archive_of(home)
    with connect(url, application="vigil-backup") as connection:
        [(on, last, failing)] = connection.execute(ARCHIVER).fetchall()
    return Archive(folder=str(folder), last_archived_at=last, failing=failing) if on and folder is not None else None


def _sentence(backup: Backup, archive: Archive | None, removed: int) -> str:
    lines = [f"{backup.size_bytes / 1e6:.0f} MB, verified, in {backup.path}"]
    if archive is None:
        lines.append("no log is archived: this copy can be restored as it is, no other instant; see database.wal_archive")
    elif archive.failing:
        lines.append(f"WARNING: the log cannot be archived to {archive.folder}; look at pg_stat_archiver and at that disk")
    else:
        lines.append(f"the log is archived to {archive.folder}: any later instant can be restored")
    return "\n".join(lines + ([f"{removed} older copies removed"] if removed else []))
