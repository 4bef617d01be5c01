"""Numbers in the units senders use, to the canonical UCUM unit: the UCUM library for what it knows, tables for what feeds write instead."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from ucumvert import PintUcumRegistry

SYNONYMS: Mapping[str, str] = MappingProxyType(
    {
        "umoll": "umol/L", "mmoll": "mmol/L", "percent": "%", "mdc_dim_percent": "%", "mdc_dim_mmhg": "mm[Hg]", "mmhg": "mm[Hg]", "mm hg": "mm[Hg]",
        "torr": "mm[Hg]", "mdc_dim_kilo_pascal": "kPa", "mdc_dim_degc": "Cel", "c": "Cel", "degc": "Cel", "deg c": "Cel", "°c": "Cel", "celsius": "Cel", "cel": "Cel",
        "mdc_dim_fahr": "[degF]", "f": "[degF]", "degf": "[degF]", "deg f": "[degF]", "°f": "[degF]", "fahrenheit": "[degF]", "[degf]": "[degF]",
        "mdc_dim_beat_per_min": "/min", "mdc_dim_resp_per_min": "/min", "bpm": "/min", "beats/min": "/min", "{beats}/min": "/min", "breaths/min": "/min",
        "{breaths}/min": "/min", "br/min": "/min", "rpm": "/min", "1/min": "/min", "per minute": "/min", "/minute": "/min",
        "mdc_dim_x_l_per_min": "L/min", "l/min": "L/min", "lpm": "L/min", "liters/min": "L/min", "litres/min": "L/min",
        "mg/dl": "mg/dL", "g/dl": "g/dL", "g/l": "g/L", "mg/l": "mg/L", "mmol/l": "mmol/L", "umol/l": "umol/L",
        "micromol/l": "umol/L", "meq/l": "meq/L", "ng/ml": "ng/mL", "ug/l": "ug/L", "ng/l": "ng/L", "pg/ml": "pg/mL", "iu/l": "U/L", "u/l": "U/L",
        "x10*9/l": "10*9/L", "10^9/l": "10*9/L", "x10^9/l": "10*9/L", "10e9/l": "10*9/L", "x10e9/l": "10*9/L", "10*9/l": "10*9/L", "g/l (10^9)": "10*9/L",
        "k/ul": "10*3/uL", "k/mm3": "10*3/uL", "10*3/ul": "10*3/uL", "10^3/ul": "10*3/uL", "x10^3/ul": "10*3/uL", "10*3/mm3": "10*3/uL", "thou/ul": "10*3/uL",
        "th/mm3": "10*3/uL", "x10(3)/mcl": "10*3/uL", "sec": "s", "secs": "s", "seconds": "s", "ml": "mL", "l": "L", "ml/24h": "mL", "ml/(24.h)": "mL",
    }
)  # fmt: skip
"""Spellings in lower case, micro signs as u, to UCUM."""

MOLAR: Mapping[tuple[str, str], float] = MappingProxyType(
    {
        ("2160-0", "umol/L"): 0.011312, ("2160-0", "mmol/L"): 11.312,  # creatinine 113.12 g/mol
        ("1975-2", "umol/L"): 0.058466, ("1968-7", "umol/L"): 0.058466,  # bilirubin 584.66 g/mol
        ("2345-7", "mmol/L"): 18.0156, ("3094-0", "mmol/L"): 2.8014,  # glucose 180.156; urea as its nitrogen, 2 × 14.007
        ("17861-6", "mmol/L"): 4.0078, ("19123-9", "mmol/L"): 2.4305, ("2777-1", "mmol/L"): 3.0974,  # Ca, Mg, phosphate as P
        ("17861-6", "meq/L"): 2.0039, ("19123-9", "meq/L"): 1.21525,  # two charges an ion; UCUM's eq is right for those of one
        ("2524-7", "mg/dL"): 0.11101, ("718-7", "mmol/L"): 1.61145,  # lactate 90.08; haemoglobin monomer 16,114.5 g/mol
    }
)  # fmt: skip
"""Amount of substance to mass, by code: factor to the canonical unit. Source: IUPAC standard atomic weights, 2021."""

SPECIAL: Mapping[tuple[str, str], float] = MappingProxyType(
    {
        ("4544-3", "L/L"): 100.0, ("4544-3", "1"): 100.0, ("3150-6", "1"): 100.0, ("764-1", "1"): 100.0, ("59408-5", "1"): 100.0,
        ("6690-2", "g/L"): 1.0, ("777-3", "g/L"): 1.0,
        ("2744-1", "1"): 1.0, ("6301-6", "1"): 1.0, ("9269-2", "1"): 1.0, ("9269-2", "{score}"): 1.0,
    }
)  # fmt: skip
"""Pure numbers that stand for a share, cells in G/L (giga a litre, Austria and Switzerland), and scores without a unit."""

UREA_NITROGEN = 2 * 14.007 / 60.056
"""Mass of nitrogen in mass of urea. Source: IUPAC standard atomic weights, 2021."""

BARE = frozenset({"2744-1", "6301-6", "9269-2", "8867-4", "9279-1", "59408-5"})
"""Quantities with one unit in use everywhere: sent without a unit they are taken as canonical; others without a unit are not guessed."""

RATES = frozenset({"8867-4", "9279-1"})


@lru_cache(maxsize=1)
def _registry() -> PintUcumRegistry:
    return PintUcumRegistry()


@lru_cache(maxsize=4096)
def conversion(code: str, sent: str | None, canonical: str) -> tuple[float, float] | None:
    """(factor, offset) that turn a number in unit `sent` into the canonical unit of `code`; None where the unit is not understood.

    >>> conversion("8310-5", "[degF]", "Cel")[0]
    0.5555555555555556
    >>> round(conversion("urea", "mg/dL", "mg/dL")[0], 4)
    0.4665
    >>> conversion("2160-0", "UMOLL", "mg/dL"), conversion("2823-3", "furlong", "mmol/L"), conversion("8867-4", None, "/min")
    ((0.011312, 0.0), None, (1.0, 0.0))
    """
    if sent is None or not sent.strip():
        return (1.0, 0.0) if code in BARE else None
    spelled = sent.strip().replace("µ", "u").replace("μ", "u")
    unit = SYNONYMS.get(spelled.lower(), spelled)
    if code == "urea":
        return _urea(unit)
    if unit == canonical or (code in RATES and unit == "/min"):
        return 1.0, 0.0
    if unit == "[degF]" and canonical == "Cel":
        return 5 / 9, -160 / 9
    factor = MOLAR.get((code, unit)) or SPECIAL.get((code, unit)) or _ucum_factor(unit, canonical)
    return None if factor is None else (factor, 0.0)


def _urea(unit: str) -> tuple[float, float] | None:
    """Urea to its nitrogen in mg/dL: an amount of substance has the nitrogen of two atoms, a mass is less by what is not nitrogen."""
    amount = _ucum_factor(unit, "mmol/L")
    if amount is not None:
        return amount * MOLAR["3094-0", "mmol/L"], 0.0
    mass = _ucum_factor(unit, "mg/dL")
    return None if mass is None else (mass * UREA_NITROGEN, 0.0)


def _ucum_factor(sent: str, canonical: str) -> float | None:
    try:
        registry = _registry()
        have, want = registry.from_ucum(sent), registry.from_ucum(canonical)
        return float(have.to(want.units).magnitude / want.magnitude)
    except Exception:  # the grammar, the registry and pint raise some ten kinds of error for what is no unit or another dimension
        return None


def is_ucum(unit: str) -> bool:
    """Whether a unit is one of UCUM.

    >>> is_ucum("mmol/L"), is_ucum("furlongs")
    (True, False)
    """
    try:
        _registry().from_ucum(unit)
    except Exception:  # as in _ucum_factor
        return False
    return True
