"""Asks Triton for one step of the sequence model, for all patients of a batch in one request."""

import time
from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt

from infra.settings import TritonSettings
from scoring.models.sequence.metadata import SequenceMetadata
from scoring.models.sequence.step import VERSION
from scoring.models.sequence.targets import HORIZONS_H, TASKS
from scoring.triton.tries import Tries, output_of, request_of
from scoring.voice import ModelUnavailable

Floats = npt.NDArray[np.float32]


class TritonCell(Tries):
    """A `carried.Cell`. `served`: the number of the version's folder in the model repository. Asked once and briefly: it speaks beside the trees,
    after them, and NEWS2 must speak within half a second even where all are late.
    """

    def __init__(
        self, settings: TritonSettings, metadata: SequenceMetadata, served: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(
            msgspec.structs.replace(settings, timeout_ms=settings.sequence_timeout_ms, hedge_ms=settings.sequence_timeout_ms), monotonic
        )
        self._metadata, self._served = metadata, served
        self.name, self.version, self.hidden = metadata.name, metadata.version, metadata.hidden

    def step(self, state: Floats, values: Floats, context: Floats) -> tuple[Floats, Floats, Floats]:
        """As the exported step. Raises ModelUnavailable with `wrong_features`, `circuit_open`, `timeout`, `away` or `bad_output`."""
        if self._metadata.step != VERSION:
            raise ModelUnavailable("wrong_features")
        if self.resting():
            raise ModelUnavailable("circuit_open")
        rows, risks = len(state), len(TASKS) * len(HORIZONS_H)
        inputs = {"state": state, "values": values, "context": context}
        try:
            answer = self.tried(request_of(self.name, self._served, inputs, ["next_state", "risks", "worth"]))
            sizes = (("next_state", state.shape[1]), ("risks", risks), ("worth", 1))
            found = [output_of(answer, name, rows * size).reshape(rows, size) for name, size in sizes]
        except ModelUnavailable:
            self.rest()
            raise
        return found[0], found[1], found[2]
