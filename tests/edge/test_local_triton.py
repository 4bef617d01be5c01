"""The real Triton around a tiny model: what `vigil triton` notices, mends by loading the model anew, and gives up on."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from infra.local import triton_server
from infra.local.ports import HOST, choose

CONFIG = """
name: "tiny"
backend: "python"
max_batch_size: 8
input [{ name: "features" data_type: TYPE_FP32 dims: [ 3 ] }]
output [{ name: "probability" data_type: TYPE_FP32 dims: [ 1 ] }]
instance_group [{ count: 1 kind: KIND_CPU }]
"""

MODEL = """
import numpy as np
import triton_python_backend_utils as pb

class TritonPythonModel:
    def execute(self, requests):
        rows = [pb.get_input_tensor_by_name(one, "features").as_numpy() for one in requests]
        return [pb.InferenceResponse([pb.Tensor("probability", np.full((len(one), 1), ANSWER, np.float32))]) for one in rows]
"""


def repository(folder: Path, answer: str = "0.5") -> Path:
    version = folder / "tiny" / "1"
    version.mkdir(parents=True)
    (folder / "tiny" / "config.pbtxt").write_text(CONFIG)
    (version / "model.py").write_text(MODEL.replace("ANSWER", answer))
    return folder


class Watched:
    """A server and, on a thread of its own, the watch that `vigil triton` keeps over it."""

    def __init__(self, models: Path, ports: dict[str, int]) -> None:
        self.address = f"{HOST}:{ports['grpc']}"
        self.port = ports["grpc"]
        self.server = triton_server.start(models, ports["grpc"], ports["http"], ports["metrics"])
        self.stopping = threading.Event()
        self.status: list[int] = []
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self) -> None:
        self.status.append(triton_server.watch(self.server, self.address, ["tiny"], self.stopping.wait))

    def answers(self) -> bool:
        return triton_server.probe(self.address, "tiny")

    def stub(self) -> psutil.Process:
        """The living process that runs the model's Python; Triton never buries a dead one."""
        children = psutil.Process(self.server.pid).children(recursive=True)
        return next(one for one in children if one.status() != psutil.STATUS_ZOMBIE and "python_backend_stub" in " ".join(one.cmdline()))

    def regions(self) -> set[Path]:
        """What the server keeps in shared memory."""
        return set(triton_server.SHARED_MEMORY.glob(f"vigil-{self.port}-*"))

    def end(self) -> int:
        self.stopping.set()
        self.thread.join(60)
        return self.status[0]


def eventually(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert held


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    one = Watched(repository(tmp_path / "models"), choose(tmp_path / "ports.json", ["grpc", "http", "metrics"]))
    yield one
    one.end()
    assert one.server.poll() is not None
    assert one.regions() == set()


def test_a_killed_model_process_is_loaded_anew_by_the_same_server(watched: Watched) -> None:
    eventually(watched.answers)
    stub, server = watched.stub(), watched.server.pid
    stub.kill()
    eventually(lambda: watched.answers() and watched.stub().pid != stub.pid)
    assert watched.server.pid == server
    assert watched.server.poll() is None
    assert watched.end() == 0


def test_a_killed_server_ends_the_watch_so_that_the_supervisor_starts_it_again(watched: Watched) -> None:
    eventually(watched.answers)
    os.kill(watched.server.pid, signal.SIGKILL)
    watched.thread.join(60)
    assert watched.status == [1]


def test_what_a_killed_server_held_in_shared_memory_is_given_back(watched: Watched) -> None:
    eventually(watched.answers)
    assert watched.regions()
    os.kill(watched.server.pid, signal.SIGKILL)
    watched.thread.join(60)
    assert watched.regions() == set()


def test_a_model_that_answers_with_what_is_no_number_and_is_not_mended_by_loading_it_anew_is_given_up_on(tmp_path: Path) -> None:
    watched = Watched(repository(tmp_path / "models", "np.nan"), choose(tmp_path / "ports.json", ["grpc", "http", "metrics"]))
    try:
        watched.thread.join(90)
        assert watched.status == [1]
        assert watched.server.poll() is not None
    finally:
        watched.end()
