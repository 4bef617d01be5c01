"""What a run was made from, as one number: it stands in the run's papers, and finds what was kept of the same data."""

from hashlib import sha256
from pathlib import Path
from typing import Final

from streams.replay.eicu_tables import tables

SUFFIXES: Final = frozenset({".psv", ".gz", ".parquet", ".txt"})
"""Of the data sets' files; a README beside them changes nothing."""


def data_hash(data: Path) -> str:
    """SHA-256 over the names and contents of the data files: the file, or those of the folder, and of eICU's hourly tables the set's own that are read with them."""
    digest = sha256()
    for path in [data] if data.is_file() else sorted(_files(data)):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(data: Path) -> set[Path]:
    found = {one for one in data.rglob("*") if one.suffix in SUFFIXES}
    beside = tables(data) if any(one.suffix == ".parquet" for one in found) else None
    return found | ({one for one in beside.rglob("*") if one.suffix in SUFFIXES} if beside is not None else set())
