"""Asks Triton: one batched gRPC request, a strict time limit, and a circuit that opens so that an outage does not cost it every batch."""

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from tritonclient import grpc
from tritonclient.utils import InferenceServerException

from infra.settings import TritonSettings
from scoring.models.metadata import Metadata
from scoring.voice import ModelUnavailable
from streams.features import VERSION

REST_S = 3.0
"""How long nobody is asked after a failure: an outage costs one time-out every few seconds, and recovery is noticed as soon."""

Floats = npt.NDArray[np.float32]


class TritonClient:
    """The model as the bedside sees it. One instance a thread: a channel is opened on first use."""

    def __init__(self, settings: TritonSettings, metadata: Metadata, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._metadata, self._monotonic = settings, metadata, monotonic
        self.name, self.version = metadata.name, metadata.version
        self._client: grpc.InferenceServerClient | None = None
        self._rest_until = 0.0

    def probabilities(self, matrix: Floats) -> Floats:
        """(N, F) to (N,) in 0..1. Raises ModelUnavailable with `wrong_features`, `circuit_open`, `timeout`, `away` or `bad_output`."""
        if self._metadata.features != VERSION:
            raise ModelUnavailable("wrong_features")
        if not len(matrix):
            return np.empty(0, np.float32)
        if self._monotonic() < self._rest_until:
            raise ModelUnavailable("circuit_open")
        try:
            answer = self._ask(matrix)
        except InferenceServerException as error:
            self._rest()
            raise ModelUnavailable("timeout" if "DEADLINE" in str(error.status()) else "away") from error
        if answer is None or answer.shape != (len(matrix), 1) or not np.isfinite(answer).all() or answer.min() < 0 or answer.max() > 1:
            self._rest()  # numpy 2 in Triton's environment gives empty outputs without an error (design decision 5)
            raise ModelUnavailable("bad_output")
        return answer[:, 0]

    def _ask(self, matrix: Floats) -> Floats | None:
        if self._client is None:
            self._client = grpc.InferenceServerClient(self._settings.grpc)
        given = grpc.InferInput("features", list(matrix.shape), "FP32")
        given.set_data_from_numpy(np.ascontiguousarray(matrix))
        answer = self._client.infer(
            self._settings.model,
            [given],
            outputs=[grpc.InferRequestedOutput("probability")],
            client_timeout=self._settings.timeout_ms / 1000,
        )
        found: Floats | None = answer.as_numpy("probability")
        return found

    def _rest(self) -> None:
        self._rest_until = self._monotonic() + REST_S
        if self._client is not None:
            self._client.close()
            self._client = None
