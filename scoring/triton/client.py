"""Asks Triton: one batched gRPC request, hedged once, within a strict time limit, and a circuit that opens so that an outage does not cost every batch."""

import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final

import grpc
import numpy as np
import numpy.typing as npt
from tritonclient.grpc import service_pb2, service_pb2_grpc

from infra.settings import TritonSettings
from scoring.models.metadata import Metadata
from scoring.voice import ModelUnavailable
from streams.features import VERSION

REST_S: Final = 3.0
"""How long nobody is asked after a failure: an outage costs one time-out every few seconds, and recovery is noticed as soon."""

OPTIONS: Final = (("grpc.optimization_target", "latency"), ("grpc.use_local_subchannel_pool", 1))
"""A connection of its own for each channel: a second try over the stalled connection of the first would stall with it."""

GRACE_S: Final = 0.02
"""Within which gRPC itself tells that a try's time was up."""

Floats = npt.NDArray[np.float32]


class TritonClient:
    """One version of the model as the bedside sees it. One instance a thread: channels are opened on first use.

    `settings.grpc` may name several servers, separated by commas: the second try goes to the next one. `served`: the number of the version's folder
    in the model repository; empty is Triton's own choice, the newest.
    """

    def __init__(
        self, settings: TritonSettings, metadata: Metadata, monotonic: Callable[[], float] = time.monotonic, served: str = ""
    ) -> None:
        self._settings, self._metadata, self._monotonic, self._served = settings, metadata, monotonic, served
        self.name, self.version = metadata.name, metadata.version
        self._channels: list[grpc.Channel] = []
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
            answer = _array(self._ask(matrix), len(matrix))
        except ModelUnavailable:
            self._rest()
            raise
        return answer

    def _ask(self, matrix: Floats) -> Any:
        """The first good answer of at most two tries; both end when the time is up. Raises ModelUnavailable."""
        request, ends = self._request(matrix), time.monotonic() + self._settings.timeout_ms / 1000
        arrived: SimpleQueue[Any] = SimpleQueue()
        sent = [self._send(request, 0, ends, arrived)]
        failures: list[grpc.StatusCode] = []
        while len(failures) < len(sent):
            try:
                call = arrived.get(
                    timeout=self._settings.hedge_ms / 1000 if len(sent) == 1 else max(0.0, ends - time.monotonic()) + GRACE_S
                )
            except Empty:
                if len(sent) > 1:
                    break
                sent.append(self._send(request, 1, ends, arrived))
                continue
            if (failure := call.exception()) is None:
                _cancel(sent, call)
                return call.result()
            failures.append(failure.code())
            if (
                len(sent) == 1 and failures[0] is grpc.StatusCode.UNAVAILABLE
            ):  # what was just started again has lost our connection, and is there
                sent.append(self._send(request, 1, ends, arrived))
        late = len(failures) < len(sent) or grpc.StatusCode.DEADLINE_EXCEEDED in failures
        raise ModelUnavailable("timeout" if late else "away")

    def _request(self, matrix: Floats) -> Any:
        """Made by hand: the client library's own objects cost more than the call itself."""
        request = service_pb2.ModelInferRequest(model_name=self._settings.model, model_version=self._served)
        request.inputs.add(name="features", datatype="FP32").shape.extend(matrix.shape)
        request.outputs.add(name="probability")
        request.raw_input_contents.append(np.ascontiguousarray(matrix, np.float32).tobytes())
        return request

    def _send(self, request: Any, number: int, ends: float, arrived: SimpleQueue[Any]) -> Any:
        addresses = [one.strip() for one in self._settings.grpc.split(",")]
        while len(self._channels) <= number:
            address = addresses[len(self._channels) % len(addresses)]
            self._channels.append(grpc.insecure_channel(address, options=OPTIONS))
        stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channels[number])
        call = stub.ModelInfer.future(request, timeout=max(0.001, ends - time.monotonic()))
        call.add_done_callback(arrived.put)
        return call

    def _rest(self) -> None:
        self._rest_until = self._monotonic() + REST_S
        for channel in self._channels:
            channel.close()
        self._channels.clear()


def _cancel(sent: Sequence[Any], but: Any) -> None:
    for call in sent:
        if call is not but:
            call.cancel()


def _array(answer: Any, rows: int) -> Floats:
    """The probabilities in an answer. Raises ModelUnavailable: numpy 2 in Triton's environment gives empty outputs without an error (design decision 5)."""
    found = next((raw for one, raw in zip(answer.outputs, answer.raw_output_contents, strict=False) if one.name == "probability"), b"")
    if len(found) != 4 * rows:
        raise ModelUnavailable("bad_output")
    array = np.frombuffer(found, np.float32)
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
        raise ModelUnavailable("bad_output")
    return array
