"""SIRS, the systemic inflammatory response syndrome. Source: Bone et al., Chest 1992;101:1644 (ACCP/SCCM), table 1."""

from typing import Final

from scoring.published.bands import known
from scoring.published.catalogue import Outcome, Published, add_up
from scoring.published.criteria import met_or_none, positive_from
from scoring.published.inputs import Inputs
from scoring.published.population import ADULT_YEARS, refuse_younger_than

POSITIVE: Final = 2
HOT_C, COLD_C = 38.0, 36.0
FAST_PULSE: Final = 90
FAST_BREATHING: Final = 20
LOW_PACO2_MMHG: Final = 32
MANY_WHITE, FEW_WHITE = 12, 4
MANY_BANDS_PCT: Final = 10


def sirs(inputs: Inputs) -> Outcome:
    """SIRS, 0–4 criteria. PaCO2 and bands are second ways to meet a criterion: without them the first decides, and `not_measured` says so;
    that they are not met does not stand in for the first. Raises NotForThisPatient.

    >>> sirs(Inputs(temp_c=38.0, hr_per_min=91, rr_per_min=20, paco2_mmhg=31, wbc_10e9_l=12.0)).total
    2
    """
    refuse_younger_than(ADULT_YEARS, inputs, "SIRS")
    temp, pulse, rate, white = inputs.temp_c, inputs.hr_per_min, inputs.rr_per_min, inputs.wbc_10e9_l
    blown_off = True if known(inputs.paco2_mmhg) and inputs.paco2_mmhg < LOW_PACO2_MMHG else None
    young_cells = True if known(inputs.bands_pct) and inputs.bands_pct > MANY_BANDS_PCT else None
    points = {
        "temp_c": met_or_none(temp > HOT_C or temp < COLD_C if known(temp) else None),
        "hr_per_min": met_or_none(pulse > FAST_PULSE if known(pulse) else None),
        "rr_per_min": met_or_none(rate > FAST_BREATHING if known(rate) else None, blown_off),
        "wbc_10e9_l": met_or_none(white > MANY_WHITE or white < FEW_WHITE if known(white) else None, young_cells),
    }
    seconds = {"paco2_mmhg": inputs.paco2_mmhg, "bands_pct": inputs.bands_pct}
    not_measured = [name for name, value in seconds.items() if not known(value)]
    return add_up(points, not_measured=not_measured, positive=positive_from(POSITIVE, points))


SCORES: Final = (
    Published(
        name="sirs",
        version="Bone 1992",
        source="Bone et al., Chest 1992;101:1644 (ACCP/SCCM), table 1",
        population="adults",
        lowest=0,
        highest=4,
        needs=("temp_c", "hr_per_min", "rr_per_min", "wbc_10e9_l"),
        uses=("paco2_mmhg", "bands_pct", "age_years"),
        outcome=sirs,
    ),
)
