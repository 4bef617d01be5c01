"""Shock index and its modification. Sources: Allgöwer and Burri, Dtsch Med Wochenschr 1967;92:1947; Liu et al., World J Emerg Med 2012;3:114."""

from typing import Final

from scoring.published.bands import known
from scoring.published.catalogue import Outcome, Published
from scoring.published.inputs import CannotScore, Inputs


def shock_index(inputs: Inputs) -> Outcome:
    """Heart rate over systolic pressure, to two decimals as the literature prints it; 0.5–0.7 in the healthy.

    >>> shock_index(Inputs(hr_per_min=62, sbp_mmhg=140)).total
    0.44
    """
    return _ratio("sbp_mmhg", inputs.hr_per_min, inputs.sbp_mmhg)


def modified_shock_index(inputs: Inputs) -> Outcome:
    """Heart rate over mean arterial pressure; a mean that was not measured is not made up of the other two."""
    return _ratio("map_mmhg", inputs.hr_per_min, inputs.map_mmhg)


def _ratio(below: str, rate: float | None, pressure: float | None) -> Outcome:
    if pressure == 0:
        raise CannotScore(f"{below} is 0: there is no ratio")
    parts = {name: value for name, value in (("hr_per_min", rate), (below, pressure)) if known(value)}
    total = round(rate / pressure, 2) if known(rate) and known(pressure) else None
    return Outcome(total=total, parts=parts, missing=tuple(name for name in ("hr_per_min", below) if name not in parts), told={})


SCORES: Final = (
    Published(
        name="shock_index",
        version="Allgower and Burri 1967",
        source="Allgöwer and Burri, Dtsch Med Wochenschr 1967;92:1947",
        population="adults; 0.5-0.7 in the healthy",
        lowest=0,
        highest=None,
        needs=("hr_per_min", "sbp_mmhg"),
        outcome=shock_index,
    ),
    Published(
        name="modified_shock_index",
        version="Liu 2012",
        source="Liu et al., World J Emerg Med 2012;3:114",
        population="adults",
        lowest=0,
        highest=None,
        needs=("hr_per_min", "map_mmhg"),
        outcome=modified_shock_index,
    ),
)
