"""The rows that every figure is made of, whatever the task: an instant of a patient, whether the event lay ahead, and what each score said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from scoring.evaluate.manner import REPEATED, Manner

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]


MODEL: Final = "model"
"""The model's own score among the others of a cohort, whatever the model is called."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """N instants of P patients, each patient's together and in order of time.

    patient: (N,) 0..P-1, ascending. hour: (N,) in the patient's own time. label: (N,) 1.0 where the event lies within the task's horizon, 0.0
    where not, nan where the patient is not at risk or nobody knows. onset: (P,) the hour of the event, nan for none. watched_h: (P,) hours under watch.
    scores: by name, (N,), nan where silent. groups: by name, (N,), empty where not known. recognised: by name, (P,), the hour from which clinicians
    can be taken to know, nan for never. manner: how an alert of theirs is raised, and when it is right.
    """

    patients: int
    patient: Ints
    hour: Floats
    label: Floats
    onset: Floats
    watched_h: Floats
    scores: Mapping[str, Floats]
    groups: Mapping[str, Names]
    recognised: Mapping[str, Floats]
    manner: Manner = REPEATED

    def __post_init__(self) -> None:
        size = len(self.patient)
        for one in (self.hour, self.label, *self.scores.values(), *self.groups.values()):
            if len(one) != size:
                raise ValueError(f"a column of {len(one)} beside {size} rows")
        for one in (self.onset, self.watched_h, *self.recognised.values()):
            if len(one) != self.patients:
                raise ValueError(f"{len(one)} values for {self.patients} patients")
        if size and ((np.diff(self.patient) < 0).any() or not 0 <= self.patient[0] <= self.patient[-1] < self.patients):
            raise ValueError("a patient's rows must lie together, numbered from 0")

    @cached_property
    def judged(self) -> Bools:
        """(N,) rows with a label."""
        return ~np.isnan(self.label)

    @property
    def events(self) -> int:
        """Patients whose event is known."""
        return int((~np.isnan(self.onset)).sum())

    def ranking(self, score: str) -> Floats:
        """(N,) the score with silence below everything that was said."""
        return np.where(np.isnan(self.scores[score]), -np.inf, self.scores[score])

    def with_label(self, label: Floats) -> "Rows":
        """The same rows judged by another label."""
        return replace(self, label=label)

    def only(self, mask: Bools) -> "Rows":
        """The rows under the mask are judged and no others; patients keep their numbers, so that one bootstrap serves both."""
        return self.with_label(np.where(mask, self.label, np.nan))

    def per_patient(self, values: Floats) -> Floats:
        """(P,) or (P, K): sums of (N,) or (N, K) by patient."""
        if values.ndim == 1:
            return summed(self.patient, values, self.patients)
        columns = [summed(self.patient, values[:, column], self.patients) for column in range(values.shape[1])]
        return np.stack(columns, axis=1) if columns else np.empty((self.patients, 0))


def summed(cells: Ints, values: Floats, size: int) -> Floats:
    """(size,) the sum of the values in each cell.

    >>> summed(np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0]), 3).tolist()
    [1.0, 0.0, 5.0]
    """
    return np.asarray(np.bincount(cells, weights=values, minlength=size), np.float64)
