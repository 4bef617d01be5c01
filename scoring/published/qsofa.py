"""qSOFA, the quick SOFA. Source: Singer et al., JAMA 2016;315:801 (Sepsis-3), box 4."""

from typing import Final

from scoring.published.bands import known
from scoring.published.catalogue import Outcome, Published, add_up
from scoring.published.criteria import met_or_none, positive_from
from scoring.published.inputs import Inputs
from scoring.published.population import ADULT_YEARS, refuse_younger_than

POSITIVE: Final = 2
FAST_PER_MIN: Final = 22
LOW_MMHG: Final = 100
FULLY_ALERT: Final = 15


def qsofa(inputs: Inputs) -> Outcome:
    """qSOFA, 0–3. Altered mentation is GCS below 15; without a GCS, any answer but alert, and the outcome says which was used.

    Raises NotForThisPatient.

    >>> qsofa(Inputs(rr_per_min=22, sbp_mmhg=100, gcs=15)).total
    2
    """
    refuse_younger_than(ADULT_YEARS, inputs, "qSOFA")
    altered, source = None, None
    if known(inputs.gcs):
        altered, source = inputs.gcs < FULLY_ALERT, "gcs"
    elif inputs.consciousness is not None:
        altered, source = inputs.consciousness != "A", "consciousness"
    points = {
        "rr_per_min": met_or_none(inputs.rr_per_min >= FAST_PER_MIN if known(inputs.rr_per_min) else None),
        "sbp_mmhg": met_or_none(inputs.sbp_mmhg <= LOW_MMHG if known(inputs.sbp_mmhg) else None),
        "gcs": met_or_none(altered),
    }
    return add_up(points, mentation_from=source, positive=positive_from(POSITIVE, points))


SCORES: Final = (
    Published(
        name="qsofa",
        version="Singer 2016",
        source="Singer et al., JAMA 2016;315:801 (Sepsis-3), box 4",
        population="adults with suspected infection",
        lowest=0,
        highest=3,
        needs=("rr_per_min", "sbp_mmhg", "gcs"),
        uses=("consciousness", "age_years"),
        outcome=qsofa,
    ),
)
