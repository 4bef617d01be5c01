"""What moved the network's score, told by quantity: integrated gradients over a patient's whole stay, as fine as their sum asks for."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from scoring.models.sequence.step import NAMES
from scoring.models.sequence.way import Way
from scoring.models.sequence.whole import Hour, Whole

Doubles = npt.NDArray[np.float64]

EXACT: Final = 1e-3
"""Log odds that the sum may miss: a twentieth of what is told at all (`explain.SLIGHT`)."""
PIECES: Final = 8
MOST: Final = 200
"""Pieces of the way at the start and at the end. The network bends at its rectifiers, and only pieces in which it does are cut again."""
POINTS, WEIGHTS = np.polynomial.legendre.leggauss(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrated:
    """`moved`: log odds of the worth that each measured quantity added, the largest first; `base`: those of the same stay with every measured value a
    typical one, at the same times: what being measured so often, age and time in hospital say. They sum to `log_odds` but for `missed`.
    """

    moved: Mapping[str, float]
    base: float
    log_odds: float
    pieces: int

    @property
    def missed(self) -> float:
        """What the sum is short of."""
        return self.log_odds - self.base - sum(self.moved.values())


class _Piece(NamedTuple):
    """Of the way: where it begins and ends with the log odds there, and what each quantity added on it. The one that misses most comes first."""

    priority: float
    start: float
    end: float
    first: float
    last: float
    added: Doubles


def integrated(whole: Whole, hours: Sequence[Hour]) -> Integrated:
    """Over the steps of one stay, at least one; as told by its last. Source: Sundararajan et al., Axiomatic attribution, ICML 2017."""
    way = Way(whole, hours)
    ends = np.linspace(0.0, 1.0, PIECES + 1).tolist()
    odds = [way.log_odds(point) for point in ends]
    pieces = [_piece(way, *ends[number : number + 2], *odds[number : number + 2]) for number in range(PIECES)]
    heapq.heapify(pieces)
    while len(pieces) < MOST and sum(abs(one.priority) for one in pieces) > EXACT:
        worst = heapq.heappop(pieces)
        middle = (worst.start + worst.end) / 2
        at_middle = way.log_odds(middle)
        heapq.heappush(pieces, _piece(way, worst.start, middle, worst.first, at_middle))
        heapq.heappush(pieces, _piece(way, middle, worst.end, at_middle, worst.last))
    added = np.sum([one.added for one in pieces], axis=0)
    found = sorted(((name, float(each)) for name, each in zip(NAMES, added, strict=True) if each), key=lambda one: -abs(one[1]))
    return Integrated(moved=dict(found), base=odds[0], log_odds=odds[-1], pieces=len(pieces))


def _piece(way: Way, start: float, end: float, first: float, last: float) -> _Piece:
    half = (end - start) / 2
    added = half * np.sum([weight * way.slopes(start + half * (1 + point)) for point, weight in zip(POINTS, WEIGHTS, strict=True)], axis=0)
    return _Piece(-abs(last - first - float(added.sum())), start, end, first, last, added)
