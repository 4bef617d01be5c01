"""The model served: one Triton call beside the same ONNX session in this process, a ward of 1,000 scored at once, and how soon NEWS2 speaks alone."""

import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from infra.local import triton_server
from infra.local.ports import HOST, choose
from infra.main.benches.figures import Figure
from infra.main.benches.messages import half_hourly
from infra.main.benches.sequence import sequence
from infra.settings import TritonSettings
from scoring.bedside import Bedside
from scoring.models.metadata import SHIPPED, metadata_of
from scoring.served import as_shipped, voice_of
from scoring.triton import registry
from scoring.triton.client import TritonClient
from streams.features import features
from streams.processing import Moment, process, read_record
from streams.record import Record, Source

BATCH: Final = 32
PATIENTS: Final = 1000
HOURS: Final = 12
CALLS: Final = 300
ROUNDS: Final = 3
START_S: Final = 90.0
SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)


def model() -> dict[str, Figure]:
    """`triton_batch32`: ms a call, floor the session alone; `score_1000`: s; `fallback`: ms until NEWS2 has spoken alone beside a server that stalls;
    and the network's: `sequence_step32`, `sequence_step500`, `sequence_rebuilt`, `sequence_explained`."""
    ward = _ward()
    matrix = np.stack([features(moment.patient, moment.received_at) for moment in ward[:BATCH]])
    with _triton() as settings:
        found = {"triton_batch32": _call(settings, matrix), "score_1000": _score(settings, ward)} | sequence(settings, _ms)
    return found | {"fallback": _fallback(ward)}


def _call(settings: TritonSettings, matrix: npt.NDArray[np.float32]) -> Figure:
    """Both take turns; the best of each, since what else runs on the machine only ever adds. One thread, as in Triton."""
    import onnxruntime  # noqa: PLC0415 (an extra: running Vigil needs none of it)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    file = SHIPPED / settings.model / "1" / "model.onnx"
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    client = TritonClient(settings, metadata_of(SHIPPED, settings.model), served="1")
    here: list[float] = []
    there: list[float] = []
    for _ in range(CALLS):
        here.append(_ms(lambda: session.run(["probability"], {"features": matrix})))
        there.append(_ms(lambda: client.probabilities(matrix)))
    [own] = session.run(["probability"], {"features": matrix})
    apart = float(np.abs(client.probabilities(matrix) - own[:, 0]).max())
    value, floor = min(there), min(here)
    return {
        "value": round(value, 3), "unit": "ms", "floor": round(floor, 3), "ratio": round(value / floor, 2), "overhead_ms": round(value - floor, 3),
        "median": round(median(there), 3), "median_ratio": round(median(there) / median(here), 2),
        "largest_difference": apart,
    }  # fmt: skip


def _score(settings: TritonSettings, ward: Sequence[Moment]) -> Figure:
    """Features, guard, model, NEWS2 and findings of everybody, in batches as the worker has them; the best of some rounds. The floor: NEWS2 alone."""
    bedside, alone = Bedside(voice_of(settings, as_shipped(settings)), lambda _: None), Bedside(None, lambda _: None)

    def everybody(scorer: Bedside) -> int:
        batches = (ward[start : start + 500] for start in range(0, len(ward), 500))
        return sum(one.value is not None for batch in batches for one in scorer.score(batch, SINCE))

    everybody(bedside)
    began = time.process_time()
    scores = everybody(bedside)
    cpu_s = time.process_time() - began
    spent = min(_ms(lambda: everybody(bedside)) for _ in range(ROUNDS)) / 1000
    floor = min(_ms(lambda: everybody(alone)) for _ in range(ROUNDS)) / 1000
    return {
        "value": round(spent, 3),
        "unit": "s",
        "floor": round(floor, 3),
        "ratio": round(spent / floor, 2),
        "scores": float(scores),
        "cpu_s": round(cpu_s, 3),
    }


def _fallback(ward: Sequence[Moment]) -> Figure:
    """A server that accepts and never answers, by the settings as they are shipped."""
    with socket.create_server((HOST, 0)) as stalled:
        settings = TritonSettings(grpc=f"{HOST}:{stalled.getsockname()[1]}")
        spent, modes = [], set()
        for _ in range(ROUNDS):
            bedside = Bedside(voice_of(settings, as_shipped(settings)), lambda _: None)
            began = time.perf_counter()
            modes |= {one.mode for one in bedside.score(ward[:BATCH], SINCE)}
            spent.append((time.perf_counter() - began) * 1000)
    return {
        "value": round(max(spent), 1),
        "unit": "ms",
        "floor": 500.0,
        "ratio": round(max(spent) / 500, 2),
        "marked": float(modes == {"fallback"}),
    }


def _ms(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _ward() -> list[Moment]:
    """So many patients after some hours of measurements each half hour; the moment after the last of each."""
    states: dict[str, list[Record]] = {}
    for number, at, raw in half_hourly(PATIENTS, "M", SINCE, 0, HOURS * 2):
        source = Source(topic="hl7.oru", partition=0, offset=number)
        states.setdefault(f"{number % PATIENTS}", []).append(Record(source=source, value=raw, received_at=at + timedelta(seconds=5)))
    return [process([read_record(one) for one in records], {}, {}, set()).moments[-1] for records in states.values()]


@contextmanager
def _triton() -> Iterator[TritonSettings]:
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
        home = Path(folder)
        ports = choose(home / "ports.json", ["grpc", "http", "metrics"])
        registry.lay_out(SHIPPED, home / "models", features=registry.schemas())
        server = triton_server.start(home / "models", ports["grpc"], ports["http"], ports["metrics"])
        settings = msgspec.structs.replace(TritonSettings(), grpc=f"{HOST}:{ports['grpc']}", timeout_ms=20_000, hedge_ms=10_000)
        try:
            deadline = time.monotonic() + START_S
            models = (settings.model, settings.sequence)
            while not all(triton_server.loaded(settings.grpc, one) and triton_server.probe(settings.grpc, one) for one in models):
                if time.monotonic() > deadline or server.poll() is not None:
                    raise TimeoutError("Triton does not start")
                time.sleep(0.2)
            yield settings
        finally:
            triton_server.end(server, ports["grpc"])
