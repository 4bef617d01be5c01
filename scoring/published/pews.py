"""Bedside PEWS, the Bedside Paediatric Early Warning System score. Source: Parshuram, Hutchison, Middaugh, Crit Care 2009;13:R135, table 1."""

from typing import Final, NamedTuple

from scoring.published.bands import Table, known, rounded_to, two_sided
from scoring.published.catalogue import Outcome, Published, add_up
from scoring.published.inputs import Contradiction, Inputs
from scoring.published.population import ADULT_YEARS, refuse_from

POINTS: Final = (4, 2, 1)


class Ages(NamedTuple):
    """The tables of one age group: up to `years`, itself included or not."""

    years: float
    included: bool
    hr_per_min: Table
    sbp_mmhg: Table
    rr_per_min: Table


GROUPS: Final = (
    Ages(0.25, False, two_sided((80, 90, 110), (190, 180, 150), POINTS), two_sided((45, 50, 60), (130, 100, 80), POINTS), two_sided((15, 19, 29), (91, 81, 61), POINTS)),
    Ages(1, False, two_sided((70, 80, 100), (180, 170, 150), POINTS), two_sided((60, 70, 80), (150, 120, 100), POINTS), two_sided((15, 19, 24), (81, 71, 51), POINTS)),
    Ages(4, True, two_sided((60, 70, 90), (170, 150, 120), POINTS), two_sided((65, 75, 90), (160, 125, 110), POINTS), two_sided((12, 15, 19), (71, 61, 41), POINTS)),
    Ages(12, True, two_sided((50, 60, 70), (150, 130, 110), POINTS), two_sided((70, 80, 90), (170, 140, 120), POINTS), two_sided((10, 14, 19), (51, 41, 31), POINTS)),
    Ages(ADULT_YEARS, False, two_sided((40, 50, 60), (140, 120, 100), POINTS), two_sided((75, 85, 100), (190, 150, 130), POINTS), two_sided((9, 10, 11), (30, 23, 17), POINTS)),
)  # fmt: skip
"""Under 3 months, under 12 months, to 4 years, over 4 to 12 years, over 12 years."""

SPO2: Final = Table(upper=((90, 2), (94, 1)), beyond=0)
SLOW_REFILL_S: Final = 3
SLOW_REFILL: Final = 4
EFFORT: Final = {"normal": 0, "mild": 1, "moderate": 2, "severe": 4, "apnoea": 4}
OXYGEN: Final = 2
MUCH_OXYGEN: Final = 4
MUCH_L_MIN: Final = 4
MUCH_FRACTION: Final = 0.5
AIR_FRACTION: Final = 0.21
"""A charted fraction of 0.21 and less is room air."""


def pews(inputs: Inputs) -> Outcome:
    """Bedside PEWS, 0–26. Oxygen: `on_oxygen` false is air; given, its points need a flow or a fraction. Raises NotForThisPatient, Contradiction.

    >>> pews(Inputs(age_years=3, hr_per_min=120, sbp_mmhg=100, rr_per_min=30, capillary_refill_s=3, respiratory_effort="mild", spo2_pct=94,
    ...             on_oxygen=True, oxygen_l_min=2)).total
    9
    """
    refuse_from(ADULT_YEARS, inputs, "Bedside PEWS")
    age = inputs.age_years
    group = next((one for one in GROUPS if age < one.years or (one.included and age == one.years)), None) if known(age) else None
    refill = inputs.capillary_refill_s
    points = {
        "hr_per_min": group.hr_per_min.points_or_none(inputs.hr_per_min) if group else None,
        "sbp_mmhg": group.sbp_mmhg.points_or_none(inputs.sbp_mmhg) if group else None,
        "capillary_refill_s": SLOW_REFILL * (refill >= SLOW_REFILL_S) if known(refill) else None,
        "rr_per_min": group.rr_per_min.points_or_none(inputs.rr_per_min) if group else None,
        "respiratory_effort": None if inputs.respiratory_effort is None else EFFORT[inputs.respiratory_effort],
        "spo2_pct": SPO2.points_or_none(inputs.spo2_pct),
        "oxygen": _oxygen(inputs),
    }
    return add_up(points, _missing(inputs, points["oxygen"]))


def _oxygen(inputs: Inputs) -> int | None:
    flow, fraction = inputs.oxygen_l_min, inputs.fio2_frac
    enriched = known(fraction) and rounded_to(fraction, "0.01") > rounded_to(AIR_FRACTION, "0.01")
    given = enriched or (known(flow) and flow > 0)
    if inputs.on_oxygen is False and given:
        raise Contradiction("on_oxygen is false, but a flow or a fraction above air is given")
    if (known(flow) and flow >= MUCH_L_MIN) or (known(fraction) and fraction >= MUCH_FRACTION):
        return MUCH_OXYGEN
    if given:
        return OXYGEN
    if inputs.on_oxygen is False or (inputs.on_oxygen is None and (known(flow) or known(fraction))):
        return 0
    return None


def _missing(inputs: Inputs, oxygen: int | None) -> tuple[str, ...]:
    numbers = ("age_years", "hr_per_min", "sbp_mmhg", "capillary_refill_s", "rr_per_min", "spo2_pct")
    lacking = [name for name in numbers if not known(getattr(inputs, name))]
    if inputs.respiratory_effort is None:
        lacking.append("respiratory_effort")
    if oxygen is None:
        lacking.append("oxygen_l_min" if inputs.on_oxygen else "on_oxygen")
    return tuple(lacking)


SCORES: Final = (
    Published(
        name="pews",
        version="Parshuram 2009",
        source="Parshuram, Hutchison, Middaugh, Crit Care 2009;13:R135 (Bedside PEWS), table 1",
        population="children in hospital, under 18 years",
        lowest=0,
        highest=26,
        needs=("age_years", "hr_per_min", "sbp_mmhg", "capillary_refill_s", "rr_per_min", "respiratory_effort", "spo2_pct", "on_oxygen"),
        uses=("oxygen_l_min", "fio2_frac"),
        outcome=pews,
    ),
)
