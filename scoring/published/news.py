"""NEWS, the first National Early Warning Score. Source: Royal College of Physicians, National Early Warning Score (NEWS), London 2012, chart 1."""

from typing import Final

from scoring.published.catalogue import Outcome, Published, add_up
from scoring.published.inputs import Inputs, NotOnThisChart
from scoring.published.news2 import OXYGEN, PULSE, RESPIRATION, SPO2_SCALE_1, SYSTOLIC, TEMPERATURE, YOUNGEST_YEARS
from scoring.published.population import refuse_pregnancy, refuse_younger_than

NOT_ALERT: Final = 3


def news(inputs: Inputs) -> Outcome:
    """NEWS: the bands of NEWS2's scale 1, without its new confusion. Raises NotForThisPatient and NotOnThisChart.

    >>> news(Inputs(rr_per_min=22, spo2_pct=95, on_oxygen=True, sbp_mmhg=100, hr_per_min=95, temp_c=38.2, consciousness="A")).total
    9
    """
    refuse_younger_than(YOUNGEST_YEARS, inputs, "NEWS")
    refuse_pregnancy(inputs, "NEWS")
    if inputs.consciousness == "C":
        raise NotOnThisChart("NEWS asks for A, V, P or U; new confusion came with NEWS2")
    if inputs.spo2_scale == 2:
        raise NotOnThisChart("NEWS has one SpO2 scale; the second came with NEWS2")
    points = {
        "rr_per_min": RESPIRATION.points_or_none(inputs.rr_per_min),
        "spo2_pct": SPO2_SCALE_1.points_or_none(inputs.spo2_pct),
        "on_oxygen": None if inputs.on_oxygen is None else OXYGEN * inputs.on_oxygen,
        "sbp_mmhg": SYSTOLIC.points_or_none(inputs.sbp_mmhg),
        "hr_per_min": PULSE.points_or_none(inputs.hr_per_min),
        "consciousness": None if inputs.consciousness is None else NOT_ALERT * (inputs.consciousness != "A"),
        "temp_c": TEMPERATURE.points_or_none(inputs.temp_c),
    }
    return add_up(points, red=3 in points.values())


SCORES: Final = (
    Published(
        name="news",
        version="RCP 2012",
        source="Royal College of Physicians, National Early Warning Score (NEWS), London 2012, chart 1",
        population="acutely ill patients of 16 years and over, not in pregnancy",
        lowest=0,
        highest=20,
        needs=("rr_per_min", "spo2_pct", "on_oxygen", "sbp_mmhg", "hr_per_min", "consciousness", "temp_c"),
        uses=("spo2_scale", "age_years", "pregnant", "gestation_weeks"),
        outcome=news,
    ),
)
