"""From trajectories to arrays: each patient walked once through the bedside's own `advance`, one step for each instant, and kept on disk."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scoring.models.cinc2019 import Trajectory, trajectory
from scoring.models.sequence.step import CODES, CONTEXT, step_of
from scoring.models.sequence.targets import Outcome, sepsis_2019
from streams.patient import advance

Floats = npt.NDArray[np.float32]
CHUNK = 200


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One patient: hours (T,) since the first step, values (T, C) and context (T, 4) as in `Step`, what came of the tasks, and
    the gain of an alarm over silence (T,), NaN where the set has no such labels."""

    patient_id: str
    hours: Floats
    values: Floats
    context: Floats
    outcomes: Mapping[str, Outcome]
    gain: Floats


def encode(patient: Trajectory) -> Encoded:
    """Instant by instant; a step is taken after its own observations and before any later one exists."""
    state, before = patient.initial, None
    steps = []
    for at, seen in zip(patient.times, patient.observations, strict=True):
        for observation in seen:
            state = advance(state, observation, received_at=at)
        steps.append(step_of(state, at, before))
        before = at
    hours = [(at - patient.times[0]).total_seconds() / 3600.0 for at in patient.times]
    outcome, gain = sepsis_2019(hours, patient.labels)
    return Encoded(
        patient_id=patient.patient_id,
        hours=np.array(hours, np.float32),
        values=np.stack([step.values for step in steps]) if steps else np.empty((0, len(CODES)), np.float32),
        context=np.stack([step.context for step in steps]) if steps else np.empty((0, len(CONTEXT)), np.float32),
        outcomes={} if outcome is None else {"sepsis": outcome},
        gain=gain,
    )


def encode_all(files: Iterable[tuple[str, str]], workers: int = 2) -> Iterator[Encoded]:
    """Every CinC 2019 file, in order, on several cores."""
    iterator = iter(files)
    chunks = iter(lambda: list(islice(iterator, CHUNK)), [])
    with ProcessPoolExecutor(workers) as pool:
        pending = [pool.submit(_encode_chunk, chunk) for chunk in islice(chunks, workers * 2)]
        while pending:
            done = pending.pop(0).result()
            following = next(chunks, None)
            if following:
                pending.append(pool.submit(_encode_chunk, following))
            yield from done


def _encode_chunk(files: Sequence[tuple[str, str]]) -> list[Encoded]:
    return [encode(trajectory(patient_id, text)) for patient_id, text in files]


def save(patients: Sequence[Encoded], path: Path) -> None:
    """Writes them as one file of arrays."""
    tasks = sorted({task for one in patients for task in one.outcomes})
    missing = Outcome(event_h=np.nan, followed_h=np.nan)
    known = [[one.outcomes.get(task, missing) for task in tasks] for one in patients]
    np.savez(
        path,
        patient_ids=np.array([one.patient_id for one in patients]),
        lengths=np.array([len(one.hours) for one in patients]),
        tasks=np.array(tasks, dtype=np.str_),
        event_h=np.array([[each.event_h for each in row] for row in known], np.float32),
        followed_h=np.array([[each.followed_h for each in row] for row in known], np.float32),
        **{name: np.concatenate([getattr(one, name) for one in patients]) for name in ("hours", "values", "context", "gain")},
    )


def load(path: Path) -> list[Encoded]:
    """Reads what `save` wrote."""
    with np.load(path) as held:
        tasks = [str(task) for task in held["tasks"]]
        ends = np.cumsum(held["lengths"])[:-1]
        columns = [np.split(held[name], ends) for name in ("hours", "values", "context", "gain")]
        outcomes = [
            {task: Outcome(event_h=float(e), followed_h=float(f)) for task, e, f in zip(tasks, event, followed, strict=True) if not np.isnan(f)}
            for event, followed in zip(held["event_h"], held["followed_h"], strict=True)
        ]
        ids = [str(one) for one in held["patient_ids"]]
    return [
        Encoded(patient_id, hours, values, context, outcome, gain)
        for patient_id, hours, values, context, gain, outcome in zip(ids, *columns, outcomes, strict=True)
    ]
