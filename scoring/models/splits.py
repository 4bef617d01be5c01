"""Who trains and who judges: folds by patient or by hospital, the same in every run, and the inner folds in which everything is tuned. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Fold:
    """Places in the list of patients: to fit on, and to judge. No group is on both sides."""

    fit: Places
    judge: Places


@dataclass(frozen=True, slots=True)
class Nested:
    """One outer fold. What `outer.judge` holds may choose nothing; `inner` parts `outer.fit` again, for that."""

    number: int
    outer: Fold
    inner: Sequence[Fold]


def fold_of(group: str, folds: int, salt: str) -> int:
    """Which of so many folds a group (a patient, a hospital) is in, by its name alone. Another salt draws anew.

    >>> [fold_of(f"hospital {number}", 5, "outer") for number in range(6)] == [fold_of(f"hospital {number}", 5, "outer") for number in range(6)]
    True
    """
    digest = blake2b(f"{salt}/{group}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % folds


def folds(groups: Sequence[str], number: int, salt: str, among: Places | None = None) -> Iterator[Fold]:
    """Each fold's turn to judge, among those places (None: all). A fold that would judge or fit nobody is left out."""
    places = np.arange(len(groups)) if among is None else among
    mine = np.array([fold_of(groups[place], number, salt) for place in places], dtype=int)
    for one in range(number):
        found = Fold(fit=places[mine != one], judge=places[mine == one])
        if len(found.fit) and len(found.judge):
            yield found


def nested(groups: Sequence[str], outer: int = 5, inner: int = 3, turn: int = 0) -> Iterator[Nested]:
    """Nested cross-validation: every place is judged once, by what was fitted and tuned on other groups only. Another turn parts the groups anew."""
    again = f" {turn}" if turn else ""
    for number, one in enumerate(folds(groups, outer, f"outer{again}")):
        yield Nested(number=number, outer=one, inner=list(folds(groups, inner, f"inner {number}{again}", among=one.fit)))
