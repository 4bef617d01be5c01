"""MEOWS, the modified early obstetric warning system. Source: CEMACH, Saving Mothers' Lives, London 2007; cut-points as validated by Singh et al., Anaesthesia 2012;67:12."""

from typing import Final

from scoring.published.bands import Table, known
from scoring.published.catalogue import Outcome, Published, add_up
from scoring.published.inputs import Contradiction, Inputs, NotOnThisChart
from scoring.published.population import refuse_unless_maternity

YELLOW: Final = 1
RED: Final = 2
TRIGGER: Final = 2
"""One red or two yellow: so a red counts 2 and a yellow 1. The chart itself has colours and no points."""

TEMPERATURE: Final = Table(upper=((34.9, RED), (36.0, YELLOW), (38.0, 0)), beyond=RED, step="0.1")
SYSTOLIC: Final = Table(upper=((89, RED), (100, YELLOW), (149, 0), (160, YELLOW)), beyond=RED)
DIASTOLIC: Final = Table(upper=((89, 0), (100, YELLOW)), beyond=RED)
PULSE: Final = Table(upper=((39, RED), (50, YELLOW), (99, 0), (120, YELLOW)), beyond=RED)
RESPIRATION: Final = Table(upper=((9, RED), (20, 0), (30, YELLOW)), beyond=RED)
SPO2: Final = Table(upper=((94, RED),), beyond=0)
PAIN: Final = Table(upper=((1, 0),), beyond=YELLOW)
RESPONSE: Final = {"A": 0, "V": YELLOW, "P": RED, "U": RED}


def meows(inputs: Inputs) -> Outcome:
    """MEOWS: `triggered` by one red or two yellow, None while what is missing decides; `red` and `yellow` name the findings.

    Raises NotForThisPatient, NotOnThisChart and Contradiction.

    >>> meows(Inputs(temp_c=37, sbp_mmhg=150, dbp_mmhg=90, hr_per_min=80, rr_per_min=16, spo2_pct=98, consciousness="A", pain_score=0)).told["yellow"]
    ['sbp_mmhg', 'dbp_mmhg']
    """
    refuse_unless_maternity(inputs, "MEOWS")
    if inputs.consciousness == "C":
        raise NotOnThisChart("MEOWS asks for A, V, P or U; new confusion came with NEWS2")
    if known(inputs.sbp_mmhg) and known(inputs.dbp_mmhg) and inputs.dbp_mmhg > inputs.sbp_mmhg:
        raise Contradiction("dbp_mmhg is above sbp_mmhg: they may be swapped")
    points = {
        "temp_c": TEMPERATURE.points_or_none(inputs.temp_c),
        "sbp_mmhg": SYSTOLIC.points_or_none(inputs.sbp_mmhg),
        "dbp_mmhg": DIASTOLIC.points_or_none(inputs.dbp_mmhg),
        "hr_per_min": PULSE.points_or_none(inputs.hr_per_min),
        "rr_per_min": RESPIRATION.points_or_none(inputs.rr_per_min),
        "spo2_pct": SPO2.points_or_none(inputs.spo2_pct),
        "consciousness": None if inputs.consciousness is None else RESPONSE[inputs.consciousness],
        "pain_score": PAIN.points_or_none(inputs.pain_score),
    }
    at_least = sum(scored for scored in points.values() if scored is not None)
    return add_up(
        points,
        triggered=True if at_least >= TRIGGER else None if None in points.values() else False,
        red=[name for name, scored in points.items() if scored == RED],
        yellow=[name for name, scored in points.items() if scored == YELLOW],
    )


SCORES: Final = (
    Published(
        name="meows",
        version="CEMACH 2007",
        source="CEMACH, Saving Mothers' Lives, London 2007; Singh et al., Anaesthesia 2012;67:12. Points are ours: red 2, yellow 1",
        population="pregnancy and the six weeks after birth",
        lowest=0,
        highest=15,
        needs=("temp_c", "sbp_mmhg", "dbp_mmhg", "hr_per_min", "rr_per_min", "spo2_pct", "consciousness", "pain_score"),
        uses=("sex", "pregnant", "gestation_weeks", "postpartum_days"),
        outcome=meows,
    ),
)
