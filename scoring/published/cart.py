"""CART, the Cardiac Arrest Risk Triage score. Source: Churpek et al., Crit Care Med 2012;40:2102, table 3. It is not eCART."""

from math import floor
from typing import Final

from scoring.published.bands import Table
from scoring.published.catalogue import Outcome, Published, add_up
from scoring.published.inputs import Inputs

RESPIRATION: Final = Table(upper=((20, 0), (23, 8), (25, 12), (29, 15)), beyond=22)
PULSE: Final = Table(upper=((109, 0), (139, 4)), beyond=13)
DIASTOLIC: Final = Table(upper=((34, 13), (39, 6), (49, 4)), beyond=0)
AGE: Final = Table(upper=((54, 0), (69, 4)), beyond=9)
"""In completed years."""


def cart(inputs: Inputs) -> Outcome:
    """CART, 0–57.

    >>> cart(Inputs(rr_per_min=30, hr_per_min=145, dbp_mmhg=30, age_years=75)).total
    57
    """
    return add_up(
        {
            "rr_per_min": RESPIRATION.points_or_none(inputs.rr_per_min),
            "hr_per_min": PULSE.points_or_none(inputs.hr_per_min),
            "dbp_mmhg": DIASTOLIC.points_or_none(inputs.dbp_mmhg),
            "age_years": AGE.points_or_none(None if inputs.age_years is None else floor(inputs.age_years)),
        }
    )


SCORES: Final = (Published(name="cart", version="Churpek 2012", inputs=Inputs, outcome=cart),)
