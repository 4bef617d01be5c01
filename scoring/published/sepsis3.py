"""qSOFA and SIRS. Sources: Singer et al., JAMA 2016;315:801 (Sepsis-3), box 4; Bone et al., Chest 1992;101:1644 (ACCP/SCCM), table 1."""

from typing import Any, Final

from scoring.published.catalogue import Outcome, Published, add_up
from scoring.published.inputs import Inputs

POSITIVE: Final = 2
"""Both are positive from two criteria on."""


def qsofa(inputs: Inputs) -> Outcome:
    """qSOFA, 0–3. Altered mentation is GCS below 15; without a GCS, any answer but alert, and the outcome says which was used.

    >>> qsofa(Inputs(rr_per_min=22, sbp_mmhg=100, gcs=15)).total
    2
    """
    altered, source = None, None
    if inputs.gcs is not None:
        altered, source = inputs.gcs < 15, "gcs"
    elif inputs.consciousness is not None:
        altered, source = inputs.consciousness != "A", "consciousness"
    points = {
        "rr_per_min": _met(inputs.rr_per_min is not None, inputs.rr_per_min is not None and inputs.rr_per_min >= 22),
        "sbp_mmhg": _met(inputs.sbp_mmhg is not None, inputs.sbp_mmhg is not None and inputs.sbp_mmhg <= 100),
        "gcs": None if altered is None else int(altered),
    }
    return add_up(points, mentation_from=source, **_positive(points))


def sirs(inputs: Inputs) -> Outcome:
    """SIRS, 0–4 criteria. PaCO2 and bands are second ways to meet a criterion: without them the first decides, and `not_measured` says so.

    >>> sirs(Inputs(temp_c=38.0, hr_per_min=91, rr_per_min=20, paco2_mmhg=31, wbc_10e9_l=12.0)).total
    2
    """
    temp, pulse, rate, white = inputs.temp_c, inputs.hr_per_min, inputs.rr_per_min, inputs.wbc_10e9_l
    low_paco2 = inputs.paco2_mmhg is not None and inputs.paco2_mmhg < 32
    young_cells = inputs.bands_pct is not None and inputs.bands_pct > 10
    points = {
        "temp_c": _met(temp is not None, temp is not None and (temp > 38.0 or temp < 36.0)),
        "hr_per_min": _met(pulse is not None, pulse is not None and pulse > 90),
        "rr_per_min": _met(rate is not None or low_paco2, low_paco2 or (rate is not None and rate > 20)),
        "wbc_10e9_l": _met(white is not None or young_cells, young_cells or (white is not None and (white > 12 or white < 4))),
    }
    seconds = {"paco2_mmhg": inputs.paco2_mmhg, "bands_pct": inputs.bands_pct}
    return add_up(points, not_measured=[name for name, value in seconds.items() if value is None], **_positive(points))


def _met(known: bool, met: bool) -> int | None:
    return int(met) if known else None


def _positive(points: dict[str, int | None]) -> dict[str, Any]:
    """True as soon as it cannot be otherwise, None while what is missing decides."""
    met = sum(scored for scored in points.values() if scored is not None)
    unknown = sum(scored is None for scored in points.values())
    return {"positive": True if met >= POSITIVE else None if met + unknown >= POSITIVE else False}


SCORES: Final = (
    Published(name="qsofa", version="Singer 2016", inputs=Inputs, outcome=qsofa),
    Published(name="sirs", version="Bone 1992", inputs=Inputs, outcome=sirs),
)
