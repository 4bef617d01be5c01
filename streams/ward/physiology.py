"""How a simulated patient's body goes: a baseline, noise that remembers, a daily rhythm, and the course of an illness.

The shapes follow what is published of ward deterioration: sepsis raises temperature, pulse and breathing over 4–12 h before pressure falls and
lactate climbs (Seymour, JAMA 2016;315:762); bleeding raises the shock index before pressure falls (ATLS, classes I–IV); respiratory failure
shows in the respiratory rate first (Cretikos, MJA 2008;188:657); AKI in creatinine, hours to days late (KDIGO 2012).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import cos, exp, pi
from random import Random
from typing import Final, Literal

Course = Literal["stable", "recovering", "sepsis", "haemorrhage", "respiratory", "aki"]
COURSES: Final[tuple[Course, ...]] = ("sepsis", "haemorrhage", "respiratory", "aki")

NORMAL: Final[Mapping[str, tuple[float, float, float]]] = {
    # name: (mean, spread between patients, noise within a patient)
    "heart_rate": (76, 9, 3.0), "respiratory_rate": (16.5, 1.3, 1.0), "spo2": (96.6, 0.8, 0.6), "sbp": (126, 11, 4.5), "dbp": (74, 6, 3.0),
    "temperature": (36.8, 0.15, 0.12), "creatinine": (0.9, 0.15, 0.03), "potassium": (4.2, 0.2, 0.1), "sodium": (139, 2, 0.8), "lactate": (1.2, 0.2, 0.12),
    "wbc": (7.5, 1.5, 0.4), "hemoglobin": (13.0, 1.0, 0.2), "platelets": (240, 40, 8), "bilirubin_total": (0.6, 0.15, 0.05), "crp": (8, 4, 2),
    "bun": (14, 3, 0.8), "glucose": (108, 10, 8),
}  # fmt: skip

CHANGE: Final[Mapping[Course, Mapping[str, float]]] = {
    # what an illness adds at its height
    "stable": {},
    "recovering": {"heart_rate": 22, "respiratory_rate": 5, "spo2": -3.0, "temperature": 1.0, "crp": 120, "wbc": 6},
    "sepsis": {"heart_rate": 52, "respiratory_rate": 13, "spo2": -5.5, "sbp": -42, "dbp": -26, "temperature": 2.3, "lactate": 4.2, "wbc": 12, "crp": 220, "creatinine": 0.9, "platelets": -110, "bilirubin_total": 1.6, "bun": 18},
    "haemorrhage": {"heart_rate": 60, "respiratory_rate": 10, "spo2": -2.0, "sbp": -48, "dbp": -24, "temperature": -0.6, "lactate": 4.5, "hemoglobin": -5.5, "bun": 12},
    "respiratory": {"heart_rate": 34, "respiratory_rate": 16, "spo2": -11.0, "sbp": 6, "temperature": 0.7, "wbc": 4, "crp": 60},
    "aki": {"heart_rate": 12, "respiratory_rate": 6, "sbp": 12, "creatinine": 3.4, "potassium": 1.9, "bun": 55, "lactate": 0.6},
}  # fmt: skip

RISE_H: Final[Mapping[Course, float]] = {"stable": 1, "recovering": 1, "sepsis": 6, "haemorrhage": 2.5, "respiratory": 5, "aki": 20}
"""Hours from onset to the height of the illness."""

DAILY: Final[Mapping[str, float]] = {"heart_rate": 4, "temperature": 0.2, "sbp": 5, "dbp": 3}
"""Half the swing between afternoon and night."""


UNUSUAL: Final = 1.8
"""Spreads from the mean within which people are well: a stable patient further out would score like a sick one."""


def _bounded(random: Random) -> float:
    """A standard normal number, its tails folded back."""
    return max(-UNUSUAL, min(UNUSUAL, random.gauss(0.0, 1.0)))


@dataclass(slots=True, kw_only=True)
class Body:
    """One patient's body. `onset_h`: when the illness begins, in hours of the ward's time; treatment begins `treated_h` after and helps if `rescued`."""

    random: Random
    course: Course
    onset_h: float = 0.0
    treated_h: float = 8.0
    rescued: bool = True
    baseline: dict[str, float] = field(default_factory=dict)
    drift: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.baseline = {name: mean + spread * _bounded(self.random) for name, (mean, spread, _) in NORMAL.items()}
        self.drift = dict.fromkeys(NORMAL, 0.0)

    def severity(self, hour: float) -> float:
        """0 well … 1 the height of the illness. A recovering patient begins ill and mends over two days."""
        since = hour - self.onset_h
        if self.course == "stable" or (self.course != "recovering" and since <= 0):
            return 0.0
        if self.course == "recovering":
            return exp(-max(0.0, since) / 20.0)
        rise = 1.0 / (1.0 + exp(-6.0 * (since / RISE_H[self.course] - 0.55)))
        mending = max(0.0, since - self.treated_h)
        return rise * exp(-mending / 10.0) if self.rescued else min(1.1, rise)

    def value(self, name: str, hour: float) -> float:
        """What a measurement shows at this hour; measuring moves the noise on, so the order of calls is part of the seed."""
        _, _, noise = NORMAL[name]
        self.drift[name] = 0.8 * self.drift[name] + self.random.gauss(0.0, 0.6 * noise)
        rhythm = DAILY.get(name, 0.0) * cos(2.0 * pi * (hour - 16.0) / 24.0)
        value = self.baseline[name] + self.drift[name] + rhythm + self.severity(hour) * CHANGE[self.course].get(name, 0.0)
        return min(value, 100.0) if name == "spo2" else max(0.1, value)

    def consciousness(self, hour: float) -> str:
        """ACVPU: new confusion late in sepsis and bleeding, voice at the very end."""
        severity = self.severity(hour) if self.course in ("sepsis", "haemorrhage") else 0.0
        return "V" if severity > 1.0 else "C" if severity > 0.85 else "A"

    def oxygen_flow(self, hour: float) -> float:
        """What nurses give for the saturation they see, L/min."""
        lacking = self.severity(hour) * -CHANGE[self.course].get("spo2", 0.0)
        return 0.0 if lacking < 2.0 else 2.0 if lacking < 4.0 else 4.0 if lacking < 7.0 else 8.0
