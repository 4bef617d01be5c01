"""The eICU demo as courses: its hourly tables of vital signs and labs, joined with its own tables where they lie in or beside the same folder.

Sources: van de Water et al., YAIB, ICLR 2024, for the hours; Johnson et al., eICU demo, for the rest. Hours count from admission to the unit.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pyarrow import parquet

from parsers.codes import BEDSIDE
from streams.replay.eicu_bedside import bedside
from streams.replay.eicu_record import record
from streams.replay.eicu_tables import Row, hour, number, rows, tables
from streams.replay.facts import Course, Fact, Measured, in_order

COLUMNS: Final[Mapping[str, str]] = {
    "hr": "heart_rate", "resp": "respiratory_rate", "o2sat": "spo2", "sbp": "sbp", "dbp": "dbp", "map": "map", "temp": "temperature", "fio2": "fio2",
    "alb": "albumin", "alp": "alkaline_phosphatase", "ast": "ast", "be": "base_excess", "bicar": "bicarbonate", "bili": "bilirubin_total",
    "bili_dir": "bilirubin_direct", "bnd": "bands", "bun": "bun", "ca": "calcium", "cl": "chloride", "crea": "creatinine", "crp": "crp", "fgn": "fibrinogen",
    "glu": "glucose", "hgb": "hemoglobin", "inr_pt": "inr", "k": "potassium", "lact": "lactate", "mg": "magnesium", "na": "sodium", "pco2": "paco2",
    "ph": "ph", "phos": "phosphate", "plt": "platelets", "po2": "pao2", "ptt": "ptt", "wbc": "wbc",
}  # fmt: skip
"""The demo's columns to canonical names; they come in canonical units. The hourly urine is left out: the intake and output table says when it was charted."""
HOUR: Final = 1.0
"""A row sums up the hour that begins at its time, so it is known at that hour's end."""
TURNAROUND_H: Final = 1.0
"""A lab's time is that of the draw; the tables do not say when it was reported. An hour more is taken, so that no score knows a result before the ward did."""
OLDEST: Final = 90.0
"""What the demo calls `> 89`."""

Rows = Mapping[int, Mapping[str, Any]]
"""By stay."""


class NoEicuTables(ValueError):
    """There is no folder with dyn.parquet and sta.parquet below the one given."""


def courses(path: Path) -> Iterator[Course]:
    """Every stay once, whichever tables it is in. Raises NoEicuTables."""
    folders = sorted(one.parent for one in path.rglob("dyn.parquet") if (one.parent / "sta.parquet").exists())
    if not folders:
        raise NoEicuTables(str(path))
    folder = tables(path)
    beside = [] if folder is None else [bedside(folder), record(folder)]
    patients = {} if folder is None else {row["patientunitstayid"]: row for row in rows(folder, "patient")}
    persons, hourly = _longest(folders)
    for stay_id in sorted(hourly):
        found = [fact for row in hourly[stay_id] for fact in _hourly(row, charted=folder is not None)]
        more = [fact for source in beside for fact in source.get(str(stay_id), ())]
        yield _course(stay_id, persons.get(stay_id, {}), patients.get(str(stay_id)), [*found, *more])


def _longest(folders: Sequence[Path]) -> tuple[Rows, Mapping[int, list[Mapping[str, Any]]]]:
    """Persons and hours by stay. Some tables end where their own task's event begins: of each stay the one with most hours is taken."""
    persons: dict[int, Mapping[str, Any]] = {}
    longest: dict[int, list[Mapping[str, Any]]] = {}
    for one in folders:
        persons |= {row["stay_id"]: row for row in parquet.read_table(one / "sta.parquet").to_pylist()}
        found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for row in parquet.read_table(one / "dyn.parquet").to_pylist():
            found[row["stay_id"]].append(row)
        longest |= {stay: hours for stay, hours in found.items() if len(hours) > len(longest.get(stay, ()))}
    return persons, longest


def _hourly(row: Mapping[str, Any], *, charted: bool) -> Iterator[Fact]:
    """`charted`: the inspired oxygen comes from the respiratory chart, which says when it was entered."""
    ends = _hour(row["time"]) + HOUR
    values = {
        name: float(row[column]) for column, name in COLUMNS.items() if row.get(column) is not None and not (charted and name == "fio2")
    }
    for vital, late in ((True, 0.0), (False, TURNAROUND_H)):
        part = {name: value for name, value in values.items() if (name in BEDSIDE) is vital}
        if part:
            yield Measured(known_h=ends + late, true_h=ends, values=part)


def _hour(time: Any) -> float:
    return time.total_seconds() / 3600.0 if isinstance(time, timedelta) else float(time)


def _course(stay_id: int, person: Mapping[str, Any], patient: Row | None, facts: list[Fact]) -> Course:
    """What became known after the stay is none of it."""
    sex = str((patient or {}).get("gender") or person.get("sex") or "")[:1].upper()
    left_h = None if patient is None else hour(patient["unitdischargeoffset"])
    admitted_h = None if patient is None else hour(patient["hospitaladmitoffset"])
    return Course(
        source="EICU", stay_id=str(stay_id), unit=(patient or {}).get("unittype") or "ICU", age_years=_age(person, patient),
        sex=sex if sex in ("F", "M") else "U", facts=in_order([fact for fact in facts if left_h is None or fact.known_h <= max(left_h, HOUR)]),
        hospital_id=None if patient is None else patient["hospitalid"], admitted_h=min(0.0, admitted_h or 0.0), left_h=left_h,
    )  # fmt: skip


def _age(person: Mapping[str, Any], patient: Row | None) -> float | None:
    if patient is not None and patient["age"].startswith(">"):
        return OLDEST
    told = number(patient["age"]) if patient is not None else None
    return person.get("age") if told is None else told
