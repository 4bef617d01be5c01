"""Asks Triton for the trees' probabilities."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from infra.settings import TritonSettings
from scoring.models.metadata import Metadata
from scoring.triton.tries import Tries, output_of, request_of
from scoring.voice import ModelUnavailable
from streams.features import VERSION

Floats = npt.NDArray[np.float32]


class TritonClient(Tries):
    """One version of the model as the bedside sees it. `served`: the number of the version's folder in the model repository; empty is Triton's own
    choice, the newest.
    """

    def __init__(
        self, settings: TritonSettings, metadata: Metadata, monotonic: Callable[[], float] = time.monotonic, served: str = ""
    ) -> None:
        super().__init__(settings, monotonic)
        self._metadata, self._served = metadata, served
        self.name, self.version = metadata.name, metadata.version

    def probabilities(self, matrix: Floats) -> Floats:
        """(N, F) to (N,) in 0..1. Raises ModelUnavailable with `wrong_features`, `circuit_open`, `timeout`, `away` or `bad_output`."""
        if self._metadata.features != VERSION:
            raise ModelUnavailable("wrong_features")
        if not len(matrix):
            return np.empty(0, np.float32)
        if self.resting():
            raise ModelUnavailable("circuit_open")
        try:
            answer = _array(self._ask(matrix), len(matrix))
        except ModelUnavailable:
            self.rest()
            raise
        return answer

    def _ask(self, matrix: Floats) -> Any:
        return self.tried(request_of(self._settings.model, self._served, {"features": matrix}, ["probability"]))


def _array(answer: Any, rows: int) -> Floats:
    """The probabilities in an answer. Raises ModelUnavailable."""
    array = output_of(answer, "probability", rows)
    if array.min() < 0 or array.max() > 1:
        raise ModelUnavailable("bad_output")
    return array
