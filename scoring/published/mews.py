"""MEWS, the Modified Early Warning Score. Source: Subbe, Kruger, Rutherford, Gemmel, QJM 2001;94:521, table 1."""

from typing import Final

from scoring.published.bands import Table
from scoring.published.catalogue import Outcome, Published, add_up
from scoring.published.inputs import Inputs
from scoring.published.population import refuse_younger_than

SYSTOLIC: Final = Table(upper=((70, 3), (80, 2), (100, 1), (199, 0)), beyond=2)
PULSE: Final = Table(upper=((40, 2), (50, 1), (100, 0), (110, 1), (129, 2)), beyond=3)
"""The paper prints <70 and <40, which leaves 70 and 40 in no band; they are taken into the lower one, as implementations do."""
RESPIRATION: Final = Table(upper=((8, 2), (14, 0), (20, 1), (29, 2)), beyond=3)
TEMPERATURE: Final = Table(upper=((34.9, 2), (38.4, 0)), beyond=2, step="0.1")
CONSCIOUSNESS: Final = {"A": 0, "C": 1, "V": 1, "P": 2, "U": 3}
"""The paper knows A, V, P, U; new confusion scores 1 in openEHR's MEWS.v1.1."""
YOUNGEST_YEARS: Final = 16
"""The paper's patients came to an adult medical admissions unit."""
CRITICAL: Final = 5
"""From here on: death OR 5.4, intensive care OR 10.9 (abstract)."""


def mews(inputs: Inputs) -> Outcome:
    """MEWS, 0–14; `critical` from 5 on, None while what is missing decides. Raises NotForThisPatient.

    >>> mews(Inputs(rr_per_min=30, sbp_mmhg=70, hr_per_min=40, temp_c=35.0, consciousness="A")).total
    8
    """
    refuse_younger_than(YOUNGEST_YEARS, inputs, "MEWS")
    points = {
        "rr_per_min": RESPIRATION.points_or_none(inputs.rr_per_min),
        "sbp_mmhg": SYSTOLIC.points_or_none(inputs.sbp_mmhg),
        "hr_per_min": PULSE.points_or_none(inputs.hr_per_min),
        "temp_c": TEMPERATURE.points_or_none(inputs.temp_c),
        "consciousness": None if inputs.consciousness is None else CONSCIOUSNESS[inputs.consciousness],
    }
    at_least = sum(scored for scored in points.values() if scored is not None)
    critical = True if at_least >= CRITICAL else None if None in points.values() else False
    return add_up(points, critical=critical)


SCORES: Final = (
    Published(
        name="mews",
        version="Subbe 2001",
        source="Subbe, Kruger, Rutherford, Gemmel, QJM 2001;94:521, table 1; new confusion as in openEHR MEWS.v1.1",
        population="adult medical admissions",
        lowest=0,
        highest=14,
        needs=("rr_per_min", "sbp_mmhg", "hr_per_min", "temp_c", "consciousness"),
        uses=("age_years",),
        outcome=mews,
    ),
)
