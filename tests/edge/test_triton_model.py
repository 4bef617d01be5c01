"""The served model on a real Triton: the same probabilities as the ONNX file, and every way of being away is told apart and costs little."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from tritonclient.grpc import service_pb2_grpc
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse

from infra.settings import Settings, TritonSettings
from scoring.bedside import Bedside
from scoring.models.metadata import SHIPPED, metadata_of
from scoring.triton.client import TritonClient
from scoring.triton.tries import REST_S
from scoring.voice import ModelUnavailable
from streams.features import FEATURES
from tests.hl7 import SICK, oru
from tests.moments import NOON, moments

Floats = npt.NDArray[np.float32]
METADATA = metadata_of(SHIPPED, "deterioration")


class Seconds:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def patients(number: int) -> Floats:
    random = np.random.default_rng(number)
    matrix = random.normal(60, 30, size=(number, len(FEATURES))).astype(np.float32)
    matrix[random.uniform(size=matrix.shape) < 0.6] = np.nan
    return matrix


def patient_settings(settings: TritonSettings) -> TritonSettings:
    """Time enough for a busy test machine; the limit itself is tested apart."""
    return msgspec.structs.replace(settings, timeout_ms=20_000)


@pytest.fixture
def client(settings: Settings) -> TritonClient:
    return TritonClient(patient_settings(settings.triton), METADATA)


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("number", [1, 7, 300])
def test_triton_answers_a_batch_with_what_the_file_says(client: TritonClient, number: int) -> None:
    session = onnxruntime.InferenceSession(str(SHIPPED / "deterioration" / "1" / "model.onnx"), providers=["CPUExecutionProvider"])
    matrix = patients(number)
    [expected] = session.run(["probability"], {"features": matrix})
    np.testing.assert_allclose(client.probabilities(matrix), expected[:, 0], atol=1e-5)


def test_nobody_to_score_asks_nothing(client: TritonClient) -> None:
    assert client.probabilities(patients(0)).shape == (0,)


def test_a_score_does_not_depend_on_who_else_is_in_the_batch(client: TritonClient) -> None:
    matrix = patients(40)
    apart = np.concatenate([client.probabilities(matrix[index : index + 1]) for index in range(5)])
    np.testing.assert_array_equal(client.probabilities(matrix)[:5], apart)


def reason(client: TritonClient, matrix: Floats) -> str:
    with pytest.raises(ModelUnavailable) as away:
        client.probabilities(matrix)
    return away.value.reason


def test_nobody_listening_is_away_and_then_nobody_is_asked_for_a_while(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"127.0.0.1:{server.getsockname()[1]}"
    clock = Seconds()
    client = TritonClient(msgspec.structs.replace(settings.triton, grpc=closed), METADATA, clock)
    assert reason(client, patients(2)) in {"away", "timeout"}
    assert reason(client, patients(2)) == "circuit_open"
    clock.now += REST_S
    assert reason(client, patients(2)) in {"away", "timeout"}


def test_a_server_that_never_answers_costs_one_time_out(settings: Settings, deaf: str) -> None:
    clock = Seconds()
    client = TritonClient(msgspec.structs.replace(settings.triton, grpc=deaf, timeout_ms=100), METADATA, clock)
    assert [reason(client, patients(2)) for _ in range(3)] == ["timeout", "circuit_open", "circuit_open"]


def test_the_circuit_closes_when_the_server_is_back(settings: Settings) -> None:
    clock = Seconds()
    client = TritonClient(msgspec.structs.replace(patient_settings(settings.triton), model="nobody"), METADATA, clock)
    assert reason(client, patients(2)) == "away"
    client._settings = patient_settings(settings.triton)
    assert reason(client, patients(2)) == "circuit_open"
    clock.now += REST_S
    assert client.probabilities(patients(2)).shape == (2,)


def test_a_model_of_other_features_is_never_asked(settings: Settings) -> None:
    client = TritonClient(settings.triton, msgspec.structs.replace(METADATA, features="00000000"))
    assert reason(client, patients(1)) == "wrong_features"


def message(*values: float, name: str = "probability") -> ModelInferResponse:
    found = ModelInferResponse(raw_output_contents=[np.array(values, np.float32).tobytes()])
    found.outputs.add(name=name)
    return found


@pytest.mark.parametrize(
    "answer", [ModelInferResponse(), message(), message(np.nan, np.nan), message(1.5, 0.2), message(-0.1, 0.2), message(0.5), message(0.5, 0.5, name="other")]
)  # fmt: skip
def test_an_answer_that_is_none_counts_as_away(settings: Settings, monkeypatch: pytest.MonkeyPatch, answer: ModelInferResponse) -> None:
    client = TritonClient(settings.triton, METADATA, Seconds())
    monkeypatch.setattr(client, "_ask", lambda _: answer)
    assert reason(client, patients(2)) == "bad_output"
    assert reason(client, patients(2)) == "circuit_open"


class Server(service_pb2_grpc.GRPCInferenceServiceServicer):
    """A server that speaks Triton's protocol and answers each try after so many seconds; counts the tries."""

    def __init__(self, *seconds: float) -> None:
        self.waits, self.asked = list(seconds), 0
        self._server = grpc.server(ThreadPoolExecutor(4))
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def ModelInfer(self, request: ModelInferRequest, context: grpc.ServicerContext) -> ModelInferResponse:
        self.asked += 1
        time.sleep(self.waits.pop(0) if self.waits else 0.0)
        return message(*[0.25] * request.inputs[0].shape[0])

    def __enter__(self) -> "Server":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None)


def asking(settings: Settings, address: str, **changes: int) -> TritonClient:
    return TritonClient(msgspec.structs.replace(settings.triton, grpc=address, **changes), METADATA, Seconds())


def test_what_is_not_answered_soon_is_asked_once_more_and_the_first_answer_counts(settings: Settings) -> None:
    with Server(5.0, 0.0) as server:
        client = asking(settings, server.address, timeout_ms=20_000, hedge_ms=50)
        assert client.probabilities(patients(3)).tolist() == [0.25] * 3
        assert server.asked == 2


def test_what_is_answered_soon_is_asked_once(settings: Settings) -> None:
    with Server() as server:
        client = asking(settings, server.address, timeout_ms=20_000, hedge_ms=10_000)
        for _ in range(3):
            client.probabilities(patients(3))
        assert server.asked == 3


def test_the_second_try_goes_to_the_next_server(settings: Settings) -> None:
    with Server(5.0) as slow, Server() as quick, socket.create_server(("127.0.0.1", 0)) as gone:
        client = asking(settings, f"{slow.address}, {quick.address}", timeout_ms=20_000, hedge_ms=50)
        assert client.probabilities(patients(2)).shape == (2,)
        assert (slow.asked, quick.asked) == (1, 1)
        nobody = f"127.0.0.1:{gone.getsockname()[1]}"
        gone.close()
        assert asking(settings, f"{nobody},{quick.address}", timeout_ms=20_000, hedge_ms=15_000).probabilities(patients(2)).shape == (2,)


def test_a_stalled_server_leaves_news2_alone_within_half_a_second(settings: Settings, deaf: str) -> None:
    """By the settings as they are shipped; the best of three, for a busy machine adds what it likes."""
    spent = []
    for _ in range(3):
        told: list[str] = []
        bedside = Bedside(TritonClient(msgspec.structs.replace(TritonSettings(), grpc=deaf), METADATA), told.append)
        began = time.monotonic()
        scores = bedside.score(moments(oru("1", NOON, SICK)), NOON)
        spent.append(time.monotonic() - began)
        assert [(one.name, one.mode) for one in scores] == [("news2", "fallback")]
        assert told == ["timeout"]
    assert min(spent) < 0.5
