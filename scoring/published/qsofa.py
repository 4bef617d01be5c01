"""qSOFA. Source: Singer et al. (Sepsis-3), JAMA 2016;315:801: respiratory rate ≥ 22, systolic pressure ≤ 100, altered mentation (GCS < 15)."""

from typing import Final

from msgspec import Struct

VERSION: Final = "Sepsis-3 2016"


class Inputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None means not known. Mentation: GCS where known, else anything but alert on ACVPU."""

    rr_per_min: float | None = None
    sbp_mmhg: float | None = None
    gcs: float | None = None
    consciousness: str | None = None


def qsofa(inputs: Inputs) -> dict[str, int | None]:
    """Points by part, None where not known.

    >>> qsofa(Inputs(rr_per_min=22, sbp_mmhg=101, gcs=14))
    {'rr_per_min': 1, 'sbp_mmhg': 0, 'gcs': 1}
    """
    altered = inputs.gcs < 15 if inputs.gcs is not None else inputs.consciousness != "A" if inputs.consciousness is not None else None
    return {
        "rr_per_min": None if inputs.rr_per_min is None else int(inputs.rr_per_min >= 22),
        "sbp_mmhg": None if inputs.sbp_mmhg is None else int(inputs.sbp_mmhg <= 100),
        "gcs": None if altered is None else int(altered),
    }
