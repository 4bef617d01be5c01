"""Which clinical quantity a feature speaks of, told from its name: the list of features may change, the names' make does not."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from streams.features import CODE

AGE: Final = "_age_h"
COUNT: Final = "_count"
VALUES: Final = ("_last", "_low", "_high", "_mean")
"""Ends of features that hold the quantity itself, in its own unit."""

DERIVED: Final = {
    "on_oxygen": "oxygen_flow",
    "not_alert": "avpu",
    "pulse_pressure": "sbp",
    "shock_index": "heart_rate",
    "bun_to_creatinine": "bun",
}
"""Features made of several quantities are told under the one that a nurse would look at."""

ABOUT_CARE: Final = frozenset({"hours_in_hospital", "hours_in_unit", "hours_before_unit", "surgical_icu"})
"""Says how long somebody has been where and not how they are: no ward is unlike the training data for it."""


@lru_cache(maxsize=4096)
def quantity_of(feature: str) -> str:
    """The canonical name a feature belongs to, else its own.

    >>> [quantity_of(name) for name in ("lactate_change", "heart_rate_24h_mean", "bilirubin_total_last", "shock_index", "age_years")]
    ['lactate', 'heart_rate', 'bilirubin_total', 'heart_rate', 'age_years']
    """
    if feature in DERIVED:
        return DERIVED[feature]
    named = [name for name in CODE if feature == name or feature.startswith(f"{name}_")]
    return max(named, key=len, default=feature)


def of_the_patient(feature: str) -> bool:
    """Whether a feature is a finding; how often and how long ago something was measured is the ward's habit.

    >>> of_the_patient("sbp_6h_low"), of_the_patient("sbp_6h_count"), of_the_patient("lactate_age_h")
    (True, False, False)
    """
    return not feature.endswith((AGE, COUNT)) and feature not in ABOUT_CARE


def grouped(features: Sequence[str]) -> dict[str, list[int]]:
    """The places of each quantity's features."""
    found: dict[str, list[int]] = {}
    for index, name in enumerate(features):
        found.setdefault(quantity_of(name), []).append(index)
    return found
