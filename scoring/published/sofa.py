"""SOFA, the Sequential Organ Failure Assessment. Source: Vincent et al., Intensive Care Med 1996;22:707, table 3; limits as in mimic-code's sofa.sql."""

from decimal import Decimal
from typing import Final

from scoring.published.bands import known
from scoring.published.catalogue import Outcome, Published
from scoring.published.inputs import Inputs
from scoring.published.population import ADULT_YEARS, refuse_younger_than

RATIOS: Final = ((100, 4), (200, 3), (300, 2), (400, 1))
"""PaO2/FiO2 in mmHg: below each, its points; 3 and 4 only on a ventilator."""
UNVENTILATED_MOST: Final = 2
PLATELETS: Final = ((20, 4), (50, 3), (100, 2), (150, 1))
BILIRUBIN: Final = ((12.0, 4), (6.0, 3), (2.0, 2), (1.2, 1))
"""In mg/dL, from each upwards; 1.95 is below 2.0 and not rounded to it, as in sofa.sql. So too creatinine."""
CREATININE: Final = ((5.0, 4), (3.5, 3), (2.0, 2), (1.2, 1))
URINE_ML: Final = ((200, 4), (500, 3))
COMA: Final = ((6, 4), (10, 3), (13, 2), (15, 1))
LOW_MAP_MMHG: Final = 70
DOPAMINE: Final = ((15, 4), (5, 3), (0, 2))
"""µg/kg/min for at least an hour: above each, its points."""
ADRENERGIC: Final = ((0.1, 4), (0, 3))
DOBUTAMINE: Final = ((0, 2),)


def sofa(inputs: Inputs) -> Outcome:
    """SOFA, 0–24, from the worst values of 24 hours. Raises NotForThisPatient.

    As published, an organ that was not measured counts 0: `missing` names what it lacks, and `parts` leaves the organ out. Where no organ is known
    there is no total. `not_measured` names what could only have added to a known organ (infusions, urine).

    >>> found = sofa(Inputs(pao2_mmhg=56, fio2_frac=0.28, ventilated=True, platelets_10e9_l=99, gcs=13))
    >>> found.total, found.missing
    (5, ('bilirubin_mg_dl', 'map_mmhg', 'creatinine_mg_dl'))
    """
    refuse_younger_than(ADULT_YEARS, inputs, "SOFA")
    organs = {
        "respiration": _respiration(inputs),
        "coagulation": _below(PLATELETS, inputs.platelets_10e9_l),
        "liver": _from(BILIRUBIN, inputs.bilirubin_mg_dl),
        "cardiovascular": _cardiovascular(inputs),
        "cns": _below(COMA, inputs.gcs),
        "renal": _worst(_from(CREATININE, inputs.creatinine_mg_dl), _below(URINE_ML, inputs.urine_ml_24h)),
    }
    parts = {organ: points for organ, points in organs.items() if points is not None}
    at_least = sum(parts.values())
    return Outcome(
        total=at_least if parts else None,
        parts=parts,
        missing=_missing(inputs, organs),
        told={"at_least": at_least, "not_measured": _not_measured(inputs)},
    )


def _oxygenation(inputs: Inputs) -> int | None:
    """The points on a ventilator. Exactly, not by a quotient: 56/0.28 is 200, and not below it."""
    if not known(inputs.pao2_mmhg) or not known(inputs.fio2_frac):
        return None
    oxygen, fraction = Decimal(str(inputs.pao2_mmhg)), Decimal(str(inputs.fio2_frac))
    return next((points for limit, points in RATIOS if oxygen < limit * fraction), 0)


def _respiration(inputs: Inputs) -> int | None:
    points = _oxygenation(inputs)
    return points if points is None or inputs.ventilated else min(points, UNVENTILATED_MOST)


def _cardiovascular(inputs: Inputs) -> int | None:
    given = _worst(
        _above(DOPAMINE, inputs.dopamine_ug_kg_min),
        _above(DOBUTAMINE, inputs.dobutamine_ug_kg_min),
        _above(ADRENERGIC, inputs.epinephrine_ug_kg_min),
        _above(ADRENERGIC, inputs.norepinephrine_ug_kg_min),
    )
    if given:
        return given
    return int(inputs.map_mmhg < LOW_MAP_MMHG) if known(inputs.map_mmhg) else None


def _missing(inputs: Inputs, organs: dict[str, int | None]) -> tuple[str, ...]:
    names = {
        "coagulation": "platelets_10e9_l",
        "liver": "bilirubin_mg_dl",
        "cardiovascular": "map_mmhg",
        "cns": "gcs",
        "renal": "creatinine_mg_dl",
    }
    gases = [name for name in ("pao2_mmhg", "fio2_frac") if not known(getattr(inputs, name))]
    if inputs.ventilated is None and (_oxygenation(inputs) or 0) > UNVENTILATED_MOST:
        gases.append("ventilated")
    return (*gases, *(name for organ, name in names.items() if organs[organ] is None))


def _not_measured(inputs: Inputs) -> list[str]:
    adding = ("dopamine_ug_kg_min", "dobutamine_ug_kg_min", "epinephrine_ug_kg_min", "norepinephrine_ug_kg_min", "urine_ml_24h")
    return [name for name in adding if not known(getattr(inputs, name))]


def _below(limits: tuple[tuple[float, int], ...], value: float | None) -> int | None:
    return next((points for limit, points in limits if value < limit), 0) if known(value) else None


def _from(limits: tuple[tuple[float, int], ...], value: float | None) -> int | None:
    return next((points for limit, points in limits if value >= limit), 0) if known(value) else None


def _above(limits: tuple[tuple[float, int], ...], value: float | None) -> int | None:
    return next((points for limit, points in limits if value > limit), 0) if known(value) else None


def _worst(*points: int | None) -> int | None:
    return max((one for one in points if one is not None), default=None)


SCORES: Final = (
    Published(
        name="sofa",
        version="Vincent 1996",
        source="Vincent et al., Intensive Care Med 1996;22:707, table 3; limits and missing values as in mimic-code, sofa.sql",
        population="adults in intensive care; Sepsis-3: adults with suspected infection",
        lowest=0,
        highest=24,
        needs=("pao2_mmhg", "fio2_frac", "ventilated", "platelets_10e9_l", "bilirubin_mg_dl", "map_mmhg", "gcs", "creatinine_mg_dl"),
        uses=(
            "urine_ml_24h",
            "dopamine_ug_kg_min",
            "dobutamine_ug_kg_min",
            "epinephrine_ug_kg_min",
            "norepinephrine_ug_kg_min",
            "age_years",
        ),
        outcome=sofa,
    ),
)
