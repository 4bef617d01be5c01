"""Rolling states: what an event costs, what a patient takes in memory, and how soon a worker that starts cold has all of them."""

import gc
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psutil

from infra.main.benches.cold_start import cold_start
from infra.main.benches.figures import Figure, figure
from infra.main.benches.messages import OBX, STEP, half_hourly
from infra.main.benches.servers import database
from parsers.events import Observation
from parsers.message import Message
from parsers.read import read
from streams.patient import PatientState, advance

SIZES: Final = (500, 2000)
STEPS: Final = timedelta(hours=48) // STEP
SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """µs an event, and bytes that were held afterwards a patient; `patients` of them."""

    patients: int
    us: float
    held: float


def states() -> dict[str, Figure]:
    """`state_advance`, its floor a loop that appends to a dict of lists; `state_memory_N`, its floor those lists; `cold_start_…`, with plain fetches."""
    plain = _apart(walk_plainly, SIZES[:1])[0]
    walked = _apart(walk, SIZES)
    found = {"state_advance": figure(walked[0].us, "us", plain.us, events=float(SIZES[0] * STEPS * OBX))}
    found |= {f"state_memory_{one.patients}": figure(one.held, "bytes/patient", plain.held) for one in walked}
    with database() as url:
        return found | cold_start(url, SIZES[0], SIZES[-1] // SIZES[0], STEPS, SINCE)


def walk(sizes: Sequence[int], steps: int = STEPS) -> list[Walked]:
    """Walks the messages of so many patients through `advance`, the further ones of each next size beside those already held."""
    held: dict[str, PatientState] = {}

    def take(patient_id: str, message: Message, received_at: datetime) -> None:
        state = held.get(patient_id) or PatientState(patient_id=patient_id)
        for event in message.events:
            state = advance(state, event, received_at=received_at, person=message.person, visit=message.visit)
        held[patient_id] = state

    return _walked(take, sizes, steps)


def walk_plainly(sizes: Sequence[int], steps: int = STEPS) -> list[Walked]:
    """The floor: time and value of each observation appended to a list, with no thought of order, corrections, windows or visits."""
    held: dict[tuple[str, str], list[tuple[datetime, Any]]] = defaultdict(list)

    def take(patient_id: str, message: Message, received_at: datetime) -> None:
        for event in message.events:
            if isinstance(event, Observation) and event.canonical is not None:
                held[patient_id, event.canonical.code].append((event.observed_at or received_at, event.canonical.value_num))

    return _walked(take, sizes, steps)


def _walked(take: Callable[[str, Message, datetime], None], sizes: Sequence[int], steps: int) -> list[Walked]:
    for _, _, raw in half_hourly(SIZES[0], "warm", SINCE, 0, 1):
        read(raw)
    empty, done, found = _resident(), 0, []
    for size in sizes:
        spent = 0.0
        for number, at, raw in half_hourly(size - done, f"S{done}N", SINCE, 0, steps):
            message, patient_id = read(raw), f"{done}/{number % (size - done)}"
            began = time.thread_time()  # of the processor alone: what else runs on the machine does not count
            take(patient_id, message, at + timedelta(seconds=5))
            spent += time.thread_time() - began
        us = spent / ((size - done) * steps * OBX) * 1e6
        found.append(Walked(patients=size, us=us, held=(_resident() - empty) / size))
        done = size
    return found


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def _apart(call: Callable[[Sequence[int]], list[Walked]], sizes: Sequence[int]) -> list[Walked]:
    """In a process of its own, so that memory is counted from nothing."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(call, sizes).result()
