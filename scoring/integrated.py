"""What moved the network's score, told by quantity: integrated gradients over a patient's whole stay, as fine as their sum asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scoring.models.sequence.step import NAMES
from scoring.models.sequence.whole import Hour, Whole

POINTS: Final = (16, 64, 256)
"""Of the way's quadrature; the next where the sum misses by more than EXACT. A point costs what the stay's forward and backward way cost."""
EXACT: Final = 1e-3
"""Log odds: a twentieth of what is told at all (`explain.SLIGHT`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrated:
    """`moved`: log odds of the worth that each measured quantity added, the largest first; `base`: those of the same stay with every measured value a
    typical one, at the same times: what being measured so often, age and time in hospital say. They sum to `log_odds` but for `missed`.
    """

    moved: Mapping[str, float]
    base: float
    log_odds: float
    points: int

    @property
    def missed(self) -> float:
        """What the sum is short of."""
        return self.log_odds - self.base - sum(self.moved.values())


def integrated(whole: Whole, hours: Sequence[Hour]) -> Integrated:
    """Over the steps of one stay, at least one; as told by its last."""
    for points in POINTS:
        added, base, log_odds = whole.attributed(hours, points)
        found = sorted(((NAMES[place], each) for place, each in added.items() if each), key=lambda one: -abs(one[1]))
        told = Integrated(moved=dict(found), base=base, log_odds=log_odds, points=points)
        if abs(told.missed) <= EXACT:
            break
    return told
