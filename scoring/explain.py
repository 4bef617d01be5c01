"""What moved a model's score, told as findings: the exact attribution of the trees, summed over all features of one clinical quantity."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from scoring.observations import finding
from scoring.quantities import grouped
from scoring.score import Finding
from scoring.shap import Attribution
from streams.features import CODE
from streams.patient import PatientState

SHOWN: Final = 4
"""Findings told with a model's score: as many as fit on a phone."""
MAX_AGE: Final = timedelta(hours=48)
"""The oldest reading that any feature looks at (`streams.features.LAB_AGE`)."""
SLIGHT: Final = 0.02
"""Log odds below which a finding is not told: it changes a risk by a fiftieth."""

CHANGING: Final = (
    "heart_rate", "respiratory_rate", "spo2", "sbp", "dbp", "map", "temperature", "lactate", "creatinine", "wbc", "platelets",
)  # fmt: skip
"""What is looked at where nobody worked out what moved a score: what changes within hours."""


def moved(attribution: Attribution, row: npt.NDArray[np.float32], names: Sequence[str]) -> dict[str, float]:
    """Log odds that each quantity added, the largest first; with the attribution's base they sum to the trees' raw score."""
    each = attribution.contributions(row)
    summed = {quantity: float(each[places].sum()) for quantity, places in grouped(names).items()}
    return dict(sorted(summed.items(), key=lambda one: -abs(one[1])))


def findings(state: PatientState, at: datetime, added: Mapping[str, float]) -> tuple[Finding, ...]:
    """The few that moved the score most, what raised it first; only what was measured. Age and stay are told by
    `vigil explain` alone: findings stand on a page behind a link."""
    told: list[Finding] = []
    for name, log_odds in sorted(added.items(), key=lambda one: -one[1]):
        one = finding(state, name, at, moved=log_odds, max_age=MAX_AGE) if name in CODE and abs(log_odds) >= SLIGHT else None
        if one is not None:
            told.append(one)
    largest = sorted(told, key=lambda one: -abs(one.moved or 0.0))[:SHOWN]
    return tuple(one for one in told if one in largest)


def changed_most(state: PatientState, at: datetime) -> tuple[Finding, ...]:
    """What changed most in 12 hours, against the size of the value: plain facts to look at, where nobody worked out what moved the score."""
    found = (finding(state, name, at) for name in CHANGING)
    changed = [one for one in found if one is not None and isinstance(one.was, float) and isinstance(one.value, float)]
    changed.sort(key=_relative_change, reverse=True)
    return tuple(changed[:SHOWN])


def _relative_change(one: Finding) -> float:
    now = one.value if isinstance(one.value, float) else 0.0
    was = one.was if isinstance(one.was, float) else now
    return abs(now - was) / max(abs(now), abs(was), 1e-6)
