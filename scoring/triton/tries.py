"""One batched gRPC request to Triton, hedged once, within a strict time limit, and a circuit that opens so that an outage does not cost every batch."""

import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final

import grpc
import numpy as np
import numpy.typing as npt
from tritonclient.grpc import service_pb2, service_pb2_grpc

from infra.settings import TritonSettings
from scoring.voice import ModelUnavailable

REST_S: Final = 3.0
"""How long nobody is asked after a failure: an outage costs one time-out every few seconds, and recovery is noticed as soon."""

OPTIONS: Final = (("grpc.optimization_target", "latency"), ("grpc.use_local_subchannel_pool", 1))
"""A connection of its own for each channel: a second try over the stalled connection of the first would stall with it."""

GRACE_S: Final = 0.02
"""Within which gRPC itself tells that a try's time was up."""

Floats = npt.NDArray[np.float32]


class Tries:
    """How one model on Triton is asked. One instance a thread: channels are opened on first use.

    `settings.grpc` may name several servers, separated by commas: the second try goes to the next one.
    """

    def __init__(self, settings: TritonSettings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._monotonic = settings, monotonic
        self._channels: list[grpc.Channel] = []
        self._rest_until = 0.0

    def resting(self) -> bool:
        """Whether nobody is asked for the moment, as somebody failed a moment ago."""
        return self._monotonic() < self._rest_until

    def rest(self) -> None:
        """After a failure."""
        self._rest_until = self._monotonic() + REST_S
        for channel in self._channels:
            channel.close()
        self._channels.clear()

    def tried(self, request: Any) -> Any:
        """The first good answer of at most two tries; both end when the time is up. Raises ModelUnavailable."""
        ends = time.monotonic() + self._settings.timeout_ms / 1000
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

    def _send(self, request: Any, number: int, ends: float, arrived: SimpleQueue[Any]) -> Any:
        addresses = [one.strip() for one in self._settings.grpc.split(",")]
        while len(self._channels) <= number:
            address = addresses[len(self._channels) % len(addresses)]
            self._channels.append(grpc.insecure_channel(address, options=OPTIONS))
        stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channels[number])
        call = stub.ModelInfer.future(request, timeout=max(0.001, ends - time.monotonic()))
        call.add_done_callback(arrived.put)
        return call


def _cancel(sent: Sequence[Any], but: Any) -> None:
    for call in sent:
        if call is not but:
            call.cancel()


def request_of(model: str, served: str, inputs: dict[str, Floats], outputs: Sequence[str]) -> Any:
    """Made by hand: the client library's own objects cost more than the call itself."""
    request = service_pb2.ModelInferRequest(model_name=model, model_version=served)
    for name, array in inputs.items():
        request.inputs.add(name=name, datatype="FP32").shape.extend(array.shape)
        request.raw_input_contents.append(np.ascontiguousarray(array, np.float32).tobytes())
    for name in outputs:
        request.outputs.add(name=name)
    return request


def output_of(answer: Any, name: str, size: int) -> Floats:
    """So many finite numbers. Raises ModelUnavailable: numpy 2 in Triton's environment gives empty outputs without an error (design decision 5)."""
    found = next((raw for one, raw in zip(answer.outputs, answer.raw_output_contents, strict=False) if one.name == name), b"")
    if len(found) != 4 * size:
        raise ModelUnavailable("bad_output")
    array = np.frombuffer(found, np.float32)
    if not np.isfinite(array).all():
        raise ModelUnavailable("bad_output")
    return array
