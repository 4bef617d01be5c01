"""Copies of a running local server: taken with `pg_basebackup`, proven whole with `pg_verifybackup`, listed, and thinned out."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from infra.local.postgres_server import binaries

NOTE = "backup.json"


class BackupFailed(Exception):
    """A copy could not be taken or is not whole; the second line says what PostgreSQL's tool said."""


class Backup(Struct, frozen=True, kw_only=True):
    """One whole copy. `finished_at` (aware): it can be recovered to any later instant that `wal_archive` covers, None where none was kept.

    `first_wal`: the oldest segment of the log that a recovery from this copy needs.
    """

    path: str
    began_at: datetime
    finished_at: datetime
    size_bytes: int
    first_wal: str
    wal_archive: str | None

    @property
    def data(self) -> Path:
        """The data folder within."""
        return Path(self.path) / "data"


def take(url: str, folder: Path, archive: Path | None) -> Backup:
    """Copies the server at `url` into a new folder under `folder`. It has its name only once it is verified. Raises BackupFailed."""
    began = datetime.now(UTC)
    place = folder / began.strftime("%Y%m%dT%H%M%S.%fZ")
    making = place.with_name(f"{place.name}.part")
    making.mkdir(parents=True)
    try:
        data = making / "data"
        tool(
            "pg_basebackup",
            "-d",
            url,
            "-D",
            str(data),
            "-X",
            "stream",
            "-c",
            "fast",
            "--manifest-checksums=SHA256",
            "-w",
            "-l",
            "vigil backup",
        )
        verify(data)
        backup = Backup(
            path=str(place),
            began_at=began,
            finished_at=datetime.now(UTC),
            size_bytes=sum(file.stat().st_size for file in data.rglob("*") if file.is_file()),
            first_wal=_first_wal(data),
            wal_archive=str(archive) if archive is not None else None,
        )
        (making / NOTE).write_bytes(msgspec.json.format(msgspec.json.encode(backup)))
        making.rename(place)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return backup


def verify(data: Path) -> None:
    """Every file against its checksum, and the log that makes the copy consistent. Raises BackupFailed."""
    tool("pg_verifybackup", "-q", str(data))


def listed(folder: Path) -> list[Backup]:
    """The copies under a folder, oldest first; the folder of one copy is a list of one. Where they lie today counts, not where they were taken."""
    notes = [folder / NOTE] if (folder / NOTE).exists() else sorted(folder.glob(f"*/{NOTE}"))
    return [
        msgspec.structs.replace(msgspec.json.decode(note.read_bytes(), type=Backup), path=str(note.parent))
        for note in notes
        if _finished(note)
    ]


def _finished(note: Path) -> bool:
    return not note.parent.name.endswith(".part")


def thin_out(folder: Path, keep: int) -> list[Path]:
    """Removes all but the newest `keep` copies, and from their archive what only the removed ones needed."""
    copies = listed(folder)
    gone, kept = copies[:-keep], copies[-keep:]
    for copy in gone:
        shutil.rmtree(copy.path)
    for archive in {copy.wal_archive for copy in kept if gone and copy.wal_archive}:
        if Path(archive).is_dir():
            needed = [copy.first_wal for copy in kept if copy.wal_archive == archive]
            tool("pg_archivecleanup", "-b", archive, min(needed, key=lambda name: name[8:]))  # the first eight digits are the timeline
    return [Path(copy.path) for copy in gone]


def _first_wal(data: Path) -> str:
    found = re.search(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)", (data / "backup_label").read_text(), re.MULTILINE)
    if found is None:
        raise BackupFailed(f"the copy under {data} has no start\ntake it again")
    return found[1]


def tool(name: str, *arguments: str) -> None:
    """Runs one of PostgreSQL's own tools. Raises BackupFailed with the last line it said."""
    done = subprocess.run([str(binaries() / name), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said: Sequence[str] = done.stderr.strip().splitlines() or ["nothing"]
        raise BackupFailed(f"{name} failed\nit said: {said[-1]}")
