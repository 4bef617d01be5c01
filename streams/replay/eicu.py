"""The eICU demo's hourly tables as courses to replay. Source: van de Water et al., YAIB, ICLR 2024, over Johnson et al., eICU demo."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pyarrow import parquet

from streams.replay.cinc2019 import LIMITS
from streams.replay.trajectories import Course

COLUMNS: Final[Mapping[str, str]] = {
    "hr": "heart_rate", "resp": "respiratory_rate", "o2sat": "spo2", "sbp": "sbp", "dbp": "dbp", "map": "map", "temp": "temperature", "fio2": "fio2",
    "alb": "albumin", "alp": "alkaline_phosphatase", "ast": "ast", "be": "base_excess", "bicar": "bicarbonate", "bili": "bilirubin_total",
    "bili_dir": "bilirubin_direct", "bnd": "bands", "bun": "bun", "ca": "calcium", "cl": "chloride", "crea": "creatinine", "crp": "crp", "fgn": "fibrinogen",
    "glu": "glucose", "hgb": "hemoglobin", "inr_pt": "inr", "k": "potassium", "lact": "lactate", "mg": "magnesium", "na": "sodium", "pco2": "paco2",
    "ph": "ph", "phos": "phosphate", "plt": "platelets", "po2": "pao2", "ptt": "ptt", "wbc": "wbc",
}  # fmt: skip
"""The demo's columns to canonical names; they come in canonical units."""


class NoEicuTables(ValueError):
    """There is no folder with dyn.parquet and sta.parquet below the one given."""


def courses(path: Path) -> Iterator[Course]:
    """Every stay once, whichever tables it is in. Raises NoEicuTables."""
    folders = sorted(one.parent for one in path.rglob("dyn.parquet") if (one.parent / "sta.parquet").exists())
    if not folders:
        raise NoEicuTables(str(path))
    seen: set[int] = set()
    for folder in folders:
        persons = {row["stay_id"]: row for row in parquet.read_table(folder / "sta.parquet").to_pylist()}
        hours: dict[int, list[tuple[float, dict[str, float]]]] = defaultdict(list)
        for row in parquet.read_table(folder / "dyn.parquet").to_pylist():
            if row["stay_id"] not in seen:
                hours[row["stay_id"]].append((_hour(row["time"]), _values(row)))
        for stay_id in sorted(hours):
            seen.add(stay_id)
            yield _course(stay_id, persons.get(stay_id, {}), hours[stay_id])


def _hour(time: Any) -> float:
    return time.total_seconds() / 3600.0 if isinstance(time, timedelta) else float(time)


def _course(stay_id: int, person: Mapping[str, Any], hours: list[tuple[float, dict[str, float]]]) -> Course:
    sex = str(person.get("sex") or "")[:1].upper()
    return Course(
        source="EICU", stay_id=str(stay_id), unit="ICU", age_years=person.get("age"), sex=sex if sex in ("F", "M") else "U",
        hours=sorted(hours, key=lambda one: one[0]),
    )  # fmt: skip


def _values(row: Mapping[str, Any]) -> dict[str, float]:
    found = {name: float(row[column]) for column, name in COLUMNS.items() if row.get(column) is not None}
    return {name: value for name, value in found.items() if LIMITS[name][0] <= value <= LIMITS[name][1]}
