"""CART, the Cardiac Arrest Risk Triage score. Source: Churpek et al., Crit Care Med 2012;40:2102, table 3. It is not eCART."""

from math import floor
from typing import Final

from scoring.published.bands import Table, known
from scoring.published.catalogue import Outcome, Published, add_up
from scoring.published.inputs import Inputs
from scoring.published.population import ADULT_YEARS, refuse_younger_than

RESPIRATION: Final = Table(upper=((20, 0), (23, 8), (25, 12), (29, 15)), beyond=22)
PULSE: Final = Table(upper=((109, 0), (139, 4)), beyond=13)
DIASTOLIC: Final = Table(upper=((34, 13), (39, 6), (49, 4)), beyond=0)
AGE: Final = Table(upper=((54, 0), (69, 4)), beyond=9)
"""In completed years."""


def cart(inputs: Inputs) -> Outcome:
    """CART, 0–57. Raises NotForThisPatient.

    >>> cart(Inputs(rr_per_min=30, hr_per_min=145, dbp_mmhg=30, age_years=75)).total
    57
    """
    refuse_younger_than(ADULT_YEARS, inputs, "CART")
    return add_up(
        {
            "rr_per_min": RESPIRATION.points_or_none(inputs.rr_per_min),
            "hr_per_min": PULSE.points_or_none(inputs.hr_per_min),
            "dbp_mmhg": DIASTOLIC.points_or_none(inputs.dbp_mmhg),
            "age_years": AGE.points_or_none(floor(inputs.age_years) if known(inputs.age_years) else None),
        }
    )


SCORES: Final = (
    Published(
        name="cart",
        version="Churpek 2012",
        source="Churpek et al., Crit Care Med 2012;40:2102, table 3",
        population="adult ward patients",
        lowest=0,
        highest=57,
        needs=("rr_per_min", "hr_per_min", "dbp_mmhg", "age_years"),
        outcome=cart,
    ),
)
