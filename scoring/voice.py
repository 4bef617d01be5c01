"""One model version as the bedside hears it: what it may speak about, its calibrated answer, and what moved that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scoring.calibration import Calibration, recalibrated
from scoring.guards import Guard
from scoring.score import Abstention
from scoring.shap import Attribution
from streams.features import FEATURES

Floats = npt.NDArray[np.float32]


class ModelUnavailable(Exception):
    """The model does not speak; `reason` is a metric label: `timeout`, `away`, `circuit_open`, `bad_output`, `wrong_features`, `altered`, `none_live`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Model(Protocol):
    """Whatever turns features into probabilities; at the bedside Triton."""

    name: str
    version: str

    def probabilities(self, matrix: Floats) -> Floats:
        """(N, F) to (N,) in 0..1. Raises ModelUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A model with its guard, its site's calibration and its trees; `None` where it has none. `explain_from`: the probability from which what
    moved it is worked out at once, and not only when somebody asks. `units`: of a pilot, where it speaks in the place of the live version.
    """

    model: Model
    guard: Guard | None = None
    calibration: Calibration | None = None
    attribution: Attribution | None = None
    explain_from: float = 1.0
    units: frozenset[str] | None = None
    names: Sequence[str] = FEATURES

    def speak(self, matrix: Floats) -> list[float | Abstention]:
        """For each row of (N, F) a probability, or why there is none. Raises ModelUnavailable; nobody is asked about rows that are abstained on."""
        kept: list[Abstention | None] = [None] * len(matrix) if self.guard is None else self.guard.check(matrix)
        asked = [index for index, why in enumerate(kept) if why is None]
        if not asked:
            return [why for why in kept if why is not None]
        answers = self.model.probabilities(matrix if len(asked) == len(kept) else matrix[asked])
        spoken = iter(recalibrated(self.calibration, answers.astype(np.float64)))
        return [float(next(spoken)) if why is None else why for why in kept]
