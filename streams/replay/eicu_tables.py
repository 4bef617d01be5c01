"""The eICU demo's own tables, row by row: where they lie, and the minutes since admission to the unit as hours. Source: Johnson et al., doi 10.13026/gxmm-es70."""

import csv
import gzip
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path

Row = Mapping[str, str]


def tables(path: Path) -> Path | None:
    """The folder that holds patient.csv.gz: in or below the one given, or beside it; None where there is none."""
    for place in (path, path.parent):
        found = sorted(place.glob("**/patient.csv.gz")) if place == path else sorted(place.glob("eicu_demo/patient.csv.gz"))
        if found:
            return found[0].parent
    return None


def rows(folder: Path, table: str) -> Iterator[Row]:
    """Every row by column; none where the table is not there."""
    path = folder / f"{table}.csv.gz"
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as text:
            yield from csv.DictReader(text)


def hour(minutes: str) -> float | None:
    """Minutes since admission to the unit, as hours; None where there is no number.

    >>> hour("90"), hour(""), hour("-30")
    (1.5, None, -0.5)
    """
    found = number(minutes)
    return None if found is None else found / 60.0


def number(text: str) -> float | None:
    """A number as charted, a percent sign aside; None for anything else.

    >>> number("60%"), number("40"), number("see note"), number("")
    (60.0, 40.0, None, None)
    """
    try:
        found = float(text.strip().removesuffix("%"))
    except ValueError:
        return None
    return found if isfinite(found) else None


def known(row: Row, true: str, entered: str) -> tuple[float, float] | None:
    """(known, true) in hours: what was charted for a time is known once it is entered. None where its time is missing."""
    true_h, entered_h = hour(row[true]), hour(row[entered])
    return None if true_h is None else (max(true_h, entered_h if entered_h is not None else true_h), true_h)
