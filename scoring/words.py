"""One finding in the words a nurse uses: the same on a page's own page, on the board, in the API and in `vigil explain`."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final

from scoring.score import Finding

SPOKEN: Final[Mapping[str, str]] = {
    "spo2": "SpO2", "sbp": "systolic pressure", "dbp": "diastolic pressure", "map": "mean pressure", "avpu": "consciousness", "gcs": "Glasgow coma score",
    "fio2": "inspired oxygen", "oxygen_flow": "oxygen", "etco2": "end-tidal CO2", "ph": "pH", "paco2": "PaCO2", "pao2": "PaO2", "ast": "AST", "bun": "urea nitrogen",
    "wbc": "white cells", "inr": "INR", "ptt": "PTT", "troponin_i": "troponin I", "crp": "CRP", "bilirubin_total": "bilirubin", "bilirubin_direct": "direct bilirubin",
    "bands": "band forms",
}  # fmt: skip
UNITS: Final[Mapping[str, str]] = {
    "mm[Hg]": "mmHg", "Cel": "°C", "10*9/L": "×10⁹/L", "{score}": "", "[pH]": "", "{INR}": "",
}  # fmt: skip
ROUND: Final[Mapping[str, int]] = {
    "temperature": 1,
    "ph": 2,
    "troponin_i": 2,
    "inr": 1,
    "creatinine": 2,
    "fio2": 0,
    "lactate": 1,
    "potassium": 1,
}
"""Decimals that a chart shows; elsewhere three digits."""


def name_of(finding: Finding) -> str:
    """What a quantity is called on the ward.

    >>> name_of(Finding(name="sbp", value=90.0, unit="mm[Hg]", observed_at=datetime(2026, 3, 1, tzinfo=UTC)))
    'systolic pressure'
    """
    return SPOKEN.get(finding.name, finding.name.replace("_", " "))


def words(finding: Finding, zone: tzinfo = UTC) -> str:
    """Value, how it changed over the last 12 hours, and when it was taken; no patient in it.

    >>> taken = datetime(2026, 3, 1, 11, 55, tzinfo=UTC)
    >>> words(Finding(name="lactate", value=4.0, unit="mmol/L", observed_at=taken, was=2.1, was_at=taken.replace(hour=6, minute=10)))
    'lactate 2.1 → 4.0 mmol/L since 06:10, taken 11:55'
    >>> words(Finding(name="temperature", value=38.94, unit="Cel", observed_at=taken))
    'temperature 38.9 °C, taken 11:55'
    >>> words(Finding(name="avpu", value="V", unit="", observed_at=taken, was_at=taken.replace(day=28, month=2, hour=23), was=None))
    'consciousness V, taken 11:55'
    """
    unit = UNITS.get(finding.unit, finding.unit)
    now, was = _shown(finding.name, finding.value), None if finding.was is None else _shown(finding.name, finding.was)
    value = f"{now} {unit}".strip()
    taken = f"taken {_clock(finding.observed_at, finding.observed_at, zone)}"
    if was is None or finding.was_at is None:
        return f"{name_of(finding)} {value}, {taken}"
    since = f"since {_clock(finding.was_at, finding.observed_at, zone)}"
    change = f"{value} unchanged {since}" if was == now else f"{was} → {value} {since}"
    return f"{name_of(finding)} {change}, {taken}"


def _shown(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if name in ROUND:
        return f"{value:.{ROUND[name]}f}"
    return f"{value:.0f}" if abs(value) >= 99.95 or value == round(value) else f"{value:.3g}"


def _clock(at: datetime, beside: datetime, zone: tzinfo) -> str:
    """The time of day, with the weekday where it is another than the finding's own."""
    here, there = at.astimezone(zone), beside.astimezone(zone)
    return f"{here:%H:%M}" if here.date() == there.date() else f"{here:%a %H:%M}"
