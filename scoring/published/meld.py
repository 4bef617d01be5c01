"""MELD and its descendants, for the severity of liver disease; each formula under its own name.

Sources: MELD: Kamath et al., Hepatology 2001;33:464, bounds as UNOS uses them; MELD-Na: OPTN policy 9.1.D of January 2016, and another formula by Kim et
al., NEJM 2008;359:1018; MELD 3.0: Kim et al., Gastroenterology 2021;161:1887 (OPTN since 2023).
"""

from collections.abc import Mapping
from math import floor, log
from typing import Final

from scoring.published.bands import known
from scoring.published.catalogue import Outcome, Published
from scoring.published.inputs import Inputs
from scoring.published.population import ADULT_YEARS, refuse_younger_than

YOUNGEST_YEARS: Final = 12
"""Younger candidates have PELD (OPTN policy 9.1)."""
LEAST: Final = 1.0
"""Creatinine, bilirubin and INR below 1 count as 1, so that no logarithm is negative."""
MOST_CREATININE: Final = 4.0
MOST_CREATININE_3: Final = 3.0
"""Also what dialysis counts as: twice in a week, or 24 h of CVVHD."""
SODIUM_OPTN: Final = (125.0, 137.0)
SODIUM_KIM: Final = (125.0, 140.0)
ALBUMIN: Final = (1.5, 3.5)
SODIUM_FROM: Final = 11
"""OPTN adds sodium only to a MELD above."""
POINTS: Final = (6, 40)
"""Allocation points are whole and never beyond (OPTN policy 9.1)."""


def meld(inputs: Inputs) -> Outcome:
    """MELD to one decimal, as the formula gives it; `allocation_points` whole, 6–40. Raises NotForThisPatient.

    >>> meld(Inputs(bilirubin_mg_dl=1, inr=1, creatinine_mg_dl=1)).total
    6.4
    """
    refuse_younger_than(YOUNGEST_YEARS, inputs, "MELD")
    terms = _meld_terms(inputs)
    score = _sum(terms)
    return _outcome(terms, score, None if score is None else _points(score), inputs)


def meld_na_optn2016(inputs: Inputs) -> Outcome:
    """MELD + 1.32(137−Na) − 0.033·MELD·(137−Na), sodium only where MELD is above 11; to one decimal.

    `allocation_points` rounds MELD before sodium is added and the sum again, as the policy says. Raises NotForThisPatient.

    >>> meld_na_optn2016(Inputs(bilirubin_mg_dl=3, inr=2, creatinine_mg_dl=2, sodium_mmol_l=130)).total
    28.4
    """
    refuse_younger_than(YOUNGEST_YEARS, inputs, "MELD-Na")
    terms = _meld_terms(inputs)
    score = _sum(terms)
    lack = SODIUM_OPTN[1] - _within(SODIUM_OPTN, inputs.sodium_mmol_l) if known(inputs.sodium_mmol_l) else None
    points = None
    terms["sodium_mmol_l"] = None if score is None or lack is None else _sodium_optn(score, lack)
    if score is not None and lack is not None:
        rounded = _whole(score)
        points = _points(rounded + _sodium_optn(rounded, lack))
    return _outcome(terms, _sum(terms), points, inputs)


def meld_na_kim2008(inputs: Inputs) -> Outcome:
    """MELD − Na − 0.025·MELD·(140−Na) + 140; to one decimal. Raises NotForThisPatient.

    >>> meld_na_kim2008(Inputs(bilirubin_mg_dl=1, inr=1, creatinine_mg_dl=1, sodium_mmol_l=130)).total
    14.8
    """
    refuse_younger_than(YOUNGEST_YEARS, inputs, "MELD-Na")
    terms = _meld_terms(inputs)
    score = _sum(terms)
    lack = SODIUM_KIM[1] - _within(SODIUM_KIM, inputs.sodium_mmol_l) if known(inputs.sodium_mmol_l) else None
    terms["sodium_mmol_l"] = None if score is None or lack is None else lack - 0.025 * score * lack
    return _outcome(terms, _sum(terms), None, inputs)


def meld3(inputs: Inputs) -> Outcome:
    """MELD 3.0, whole; `allocation_points` within 6–40. Raises NotForThisPatient: it was made from adults, and OPTN counts adolescents otherwise.

    >>> meld3(Inputs(sex="F", bilirubin_mg_dl=2.5, inr=1.5, creatinine_mg_dl=1.2, sodium_mmol_l=135, albumin_g_dl=3.0)).total
    19
    """
    refuse_younger_than(ADULT_YEARS, inputs, "MELD 3.0")
    bilirubin, inr = _logarithm(inputs.bilirubin_mg_dl), _logarithm(inputs.inr)
    creatinine = _creatinine(inputs, MOST_CREATININE_3)
    sodium = SODIUM_OPTN[1] - _within(SODIUM_OPTN, inputs.sodium_mmol_l) if known(inputs.sodium_mmol_l) else None
    albumin = ALBUMIN[1] - _within(ALBUMIN, inputs.albumin_g_dl) if known(inputs.albumin_g_dl) else None
    terms: dict[str, float | None] = {
        "constant": 6.0,
        "sex": None if inputs.sex is None else 1.33 * (inputs.sex == "F"),
        "bilirubin_mg_dl": None if bilirubin is None else 4.56 * bilirubin,
        "sodium_mmol_l": None if sodium is None or bilirubin is None else 0.82 * sodium - 0.24 * sodium * bilirubin,
        "inr": None if inr is None else 9.09 * inr,
        "creatinine_mg_dl": None if creatinine is None else 11.14 * creatinine,
        "albumin_g_dl": None if albumin is None or creatinine is None else 1.85 * albumin - 1.83 * albumin * creatinine,
    }
    score = _sum(terms)
    whole = None if score is None else _whole(score)
    return _outcome(terms, score, None if whole is None else _points(whole), inputs, total=whole)


def _meld_terms(inputs: Inputs) -> dict[str, float | None]:
    bilirubin, inr, creatinine = _logarithm(inputs.bilirubin_mg_dl), _logarithm(inputs.inr), _creatinine(inputs, MOST_CREATININE)
    return {
        "constant": 6.43,
        "creatinine_mg_dl": None if creatinine is None else 9.57 * creatinine,
        "bilirubin_mg_dl": None if bilirubin is None else 3.78 * bilirubin,
        "inr": None if inr is None else 11.20 * inr,
    }


def _creatinine(inputs: Inputs, most: float) -> float | None:
    if inputs.dialysis:
        return log(most)
    return log(min(max(inputs.creatinine_mg_dl, LEAST), most)) if known(inputs.creatinine_mg_dl) else None


def _logarithm(value: float | None) -> float | None:
    return log(max(value, LEAST)) if known(value) else None


def _within(bounds: tuple[float, float], value: float) -> float:
    return min(max(value, bounds[0]), bounds[1])


def _sodium_optn(score: float, lack: float) -> float:
    return 1.32 * lack - 0.033 * score * lack if score > SODIUM_FROM else 0.0


def _sum(terms: Mapping[str, float | None]) -> float | None:
    parts = [term for term in terms.values() if term is not None]
    return sum(parts) if len(parts) == len(terms) else None


def _whole(score: float) -> int:
    """To the nearest whole number, halves up."""
    return floor(score + 0.5)


def _points(score: float) -> int:
    return min(max(_whole(score), POINTS[0]), POINTS[1])


def _outcome(
    terms: Mapping[str, float | None], score: float | None, points: int | None, inputs: Inputs, total: int | None = None
) -> Outcome:
    parts = {name: round(term, 4) for name, term in terms.items() if term is not None}
    rounded = None if score is None else round(score, 1)
    return Outcome(
        total=rounded if total is None else total,
        parts=parts if len(parts) > 1 else {},
        missing=tuple(name for name in terms if name != "constant" and _lacking(inputs, name)),
        told={
            "unrounded": None if score is None else round(score, 4),
            "allocation_points": points,
            "not_measured": ["dialysis"] if inputs.dialysis is None else [],
        },
    )


def _lacking(inputs: Inputs, name: str) -> bool:
    """Whether an input is not known; on dialysis creatinine need not be."""
    value = getattr(inputs, name)
    if name == "creatinine_mg_dl" and inputs.dialysis:
        return False
    return value is None or (isinstance(value, float) and not known(value))


OF_MELD: Final = ("bilirubin_mg_dl", "inr", "creatinine_mg_dl")

SCORES: Final = (
    Published(
        name="meld",
        version="Kamath 2001, UNOS bounds",
        source="Kamath et al., Hepatology 2001;33:464; bounds of UNOS",
        population="chronic liver disease, 12 years and over",
        lowest=6.4,
        highest=None,
        needs=OF_MELD,
        uses=("dialysis", "age_years"),
        outcome=meld,
    ),
    Published(
        name="meld_na_optn2016",
        version="OPTN 2016",
        source="OPTN policy 9.1.D, January 2016",
        population="candidates for a liver, 12 years and over",
        lowest=6.4,
        highest=None,
        needs=(*OF_MELD, "sodium_mmol_l"),
        uses=("dialysis", "age_years"),
        outcome=meld_na_optn2016,
    ),
    Published(
        name="meld_na_kim2008",
        version="Kim 2008",
        source="Kim et al., NEJM 2008;359:1018",
        population="candidates for a liver, 12 years and over",
        lowest=6.4,
        highest=None,
        needs=(*OF_MELD, "sodium_mmol_l"),
        uses=("dialysis", "age_years"),
        outcome=meld_na_kim2008,
    ),
    Published(
        name="meld3",
        version="Kim 2021",
        source="Kim et al., Gastroenterology 2021;161:1887; OPTN 2023",
        population="candidates for a liver, 18 years and over",
        lowest=6,
        highest=None,
        needs=("sex", *OF_MELD, "sodium_mmol_l", "albumin_g_dl"),
        uses=("dialysis", "age_years"),
        outcome=meld3,
    ),
)
