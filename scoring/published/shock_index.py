"""Shock index and its modified form. Sources: Allgöwer & Burri, Dtsch Med Wochenschr 1967;92:1947 (HR/SBP); Liu, World J Emerg Med 2012;3:114 (HR/MAP)."""

from typing import Final

from msgspec import Struct

VERSION: Final = "Allgöwer 1967"
MODIFIED_VERSION: Final = "Liu 2012"


class Inputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None means not known."""

    hr_per_min: float | None = None
    sbp_mmhg: float | None = None
    map_mmhg: float | None = None


def shock_index(hr_per_min: float, pressure_mmhg: float) -> float:
    """The ratio, to two decimals as the literature prints it; 0.5–0.7 is normal.

    >>> shock_index(60, 100), shock_index(120, 80), shock_index(62, 140)
    (0.6, 1.5, 0.44)
    """
    return round(hr_per_min / pressure_mmhg, 2)
