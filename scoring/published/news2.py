"""NEWS2, the National Early Warning Score. Source: Royal College of Physicians, National Early Warning Score (NEWS) 2, London 2017, charts 1–4."""

from typing import Final, Literal

from msgspec import Struct

from scoring.published.bands import Table, known, rounded_to
from scoring.published.catalogue import Outcome, Published
from scoring.published.inputs import Inputs
from scoring.published.population import refuse_pregnancy, refuse_younger_than

VERSION: Final = "RCP 2017"

RESPIRATION: Final = Table(upper=((8, 3), (11, 1), (20, 0), (24, 2)), beyond=3)
SPO2_SCALE_1: Final = Table(upper=((91, 3), (93, 2), (95, 1)), beyond=0)
SPO2_SCALE_2: Final = Table(upper=((83, 3), (85, 2), (87, 1), (92, 0)), beyond=0)
SPO2_SCALE_2_ON_OXYGEN: Final = Table(upper=((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2)), beyond=3)
SYSTOLIC: Final = Table(upper=((90, 3), (100, 2), (110, 1), (219, 0)), beyond=3)
PULSE: Final = Table(upper=((40, 3), (50, 1), (90, 0), (110, 1), (130, 2)), beyond=3)
TEMPERATURE: Final = Table(upper=((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1)), beyond=2, step="0.1")
OXYGEN: Final = 2
NOT_ALERT: Final = 3
"""New confusion, and any response less than alert (chart 1: C, V, P, U)."""

YOUNGEST_YEARS: Final = 16
LATEST_WEEKS: Final = 20
"""NEWS2 is not for children, nor in pregnancy beyond 20 weeks (RCP 2017, chapter 3)."""

Risk = Literal["low", "low-medium", "medium", "high"]
Monitoring = Literal["12h", "4-6h", "1h", "continuous"]


class News2(Struct, frozen=True, kw_only=True):
    """The score. `total` is None while a part is missing; `at_least` is what the known parts add up to, and so a lower bound.

    `red`: a single parameter scores 3. `risk` and `monitoring` (chart 4) are those of `at_least`, None without `total` unless they cannot be higher.
    """

    parts: dict[str, int]
    missing: tuple[str, ...]
    total: int | None
    at_least: int
    red: bool
    risk: Risk | None
    monitoring: Monitoring | None


def news2(inputs: Inputs) -> News2:
    """The score of one set of observations. Nothing missing is ever counted as normal. Raises NotForThisPatient.

    >>> well = Inputs(rr_per_min=14, spo2_pct=97, on_oxygen=False, sbp_mmhg=120, hr_per_min=70, temp_c=36.8, consciousness="A")
    >>> news2(well).total, news2(Inputs(rr_per_min=26, sbp_mmhg=88)).at_least
    (0, 6)
    """
    refuse_younger_than(YOUNGEST_YEARS, inputs, "NEWS2")
    refuse_pregnancy(inputs, "NEWS2", beyond_weeks=LATEST_WEEKS)
    points = {
        "rr_per_min": RESPIRATION.points_or_none(inputs.rr_per_min),
        "spo2_pct": _saturation(inputs),
        "on_oxygen": None if inputs.on_oxygen is None else OXYGEN * inputs.on_oxygen,
        "sbp_mmhg": SYSTOLIC.points_or_none(inputs.sbp_mmhg),
        "hr_per_min": PULSE.points_or_none(inputs.hr_per_min),
        "consciousness": None if inputs.consciousness is None else NOT_ALERT * (inputs.consciousness != "A"),
        "temp_c": TEMPERATURE.points_or_none(inputs.temp_c),
    }
    parts = {name: scored for name, scored in points.items() if scored is not None}
    missing = tuple(name for name in points if name not in parts and not (name == "spo2_pct" and known(inputs.spo2_pct)))
    at_least = sum(parts.values())
    red = any(scored == 3 for scored in parts.values())
    settled = not missing or at_least >= HIGH
    return News2(
        parts=parts,
        missing=missing,
        total=None if missing else at_least,
        at_least=at_least,
        red=red,
        risk=risk_of(at_least, red) if settled else None,
        monitoring=monitoring_of(at_least, red) if settled else None,
    )


HIGH: Final = 7
MEDIUM: Final = 5


def _saturation(inputs: Inputs) -> int | None:
    """Scale 2 asks whether the patient is on oxygen from 93 % up: there air scores 0 and oxygen 1 to 3 (chart 1)."""
    spo2 = inputs.spo2_pct
    if not known(spo2):
        return None
    if inputs.spo2_scale != 2:
        return SPO2_SCALE_1.points(spo2)
    if inputs.on_oxygen is None:
        return SPO2_SCALE_2.points(spo2) if rounded_to(spo2, "1") <= 92 else None
    return (SPO2_SCALE_2_ON_OXYGEN if inputs.on_oxygen else SPO2_SCALE_2).points(spo2)


def risk_of(total: int, red: bool) -> Risk:
    """Clinical risk (chart 4): 7 and more, then 5–6, then a single 3, then the rest."""
    if total >= HIGH:
        return "high"
    if total >= MEDIUM:
        return "medium"
    return "low-medium" if red else "low"


def monitoring_of(total: int, red: bool) -> Monitoring:
    """The least frequency of observations (chart 4)."""
    if total >= HIGH:
        return "continuous"
    if total >= MEDIUM or red:
        return "1h"
    return "4-6h" if total else "12h"


def _outcome(inputs: Inputs) -> Outcome:
    found = news2(inputs)
    told = {"at_least": found.at_least, "red": found.red, "risk": found.risk, "monitoring": found.monitoring}
    return Outcome(total=found.total, parts=found.parts, missing=found.missing, told=told)


SCORES: Final = (
    Published(
        name="news2",
        version=VERSION,
        source="Royal College of Physicians, National Early Warning Score (NEWS) 2, London 2017, charts 1-4",
        population="acutely ill patients of 16 years and over, not in pregnancy beyond 20 weeks",
        lowest=0,
        highest=20,
        needs=("rr_per_min", "spo2_pct", "on_oxygen", "sbp_mmhg", "hr_per_min", "consciousness", "temp_c"),
        uses=("spo2_scale", "age_years", "pregnant", "gestation_weeks"),
        outcome=_outcome,
    ),
)
