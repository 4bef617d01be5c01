"""Walks trajectories through the bedside's own `advance` and `features`, so that training sees exactly what the ward will see."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice

import numpy as np
import numpy.typing as npt

from scoring.models.cinc2019 import Trajectory, trajectory
from scoring.observations import observations
from scoring.published.inputs import NotForThisPatient
from scoring.published.news2 import news2
from streams.features import FEATURES, features
from streams.patient import advance

Floats = npt.NDArray[np.float32]
CHUNK = 200


@dataclass(frozen=True, slots=True)
class Walked:
    """One patient's rows: features (T, F), labels (T,), and the NEWS2 lower bound (T,), nan where nothing is known."""

    patient_id: str
    matrix: Floats
    labels: Floats
    news2_at_least: Floats


def walk(patient: Trajectory) -> Walked:
    """Hour by hour; a row's features are taken after its own observations and before any later one exists."""
    state = patient.initial
    rows, bounds = [], []
    for at, seen in zip(patient.times, patient.observations, strict=True):
        for observation in seen:
            state = advance(state, observation, received_at=at)
        rows.append(features(state, at))
        inputs, as_of = observations(state, at)
        try:
            bounds.append(np.nan if as_of is None else float(news2(inputs).at_least))
        except NotForThisPatient:
            bounds.append(np.nan)
    matrix = np.stack(rows) if rows else np.empty((0, len(FEATURES)), np.float32)
    return Walked(patient.patient_id, matrix, np.array(patient.labels, np.float32), np.array(bounds, np.float32))


def walk_all(files: Iterable[tuple[str, str]], workers: int = 2) -> Iterator[Walked]:
    """Every file, in order, on several cores."""
    iterator = iter(files)
    chunks = iter(lambda: list(islice(iterator, CHUNK)), [])
    with ProcessPoolExecutor(workers) as pool:
        pending = [pool.submit(_walk_chunk, chunk) for chunk in islice(chunks, workers * 2)]
        while pending:
            done = pending.pop(0).result()
            following = next(chunks, None)
            if following:
                pending.append(pool.submit(_walk_chunk, following))
            yield from done


def _walk_chunk(files: Sequence[tuple[str, str]]) -> list[Walked]:
    return [walk(trajectory(patient_id, text)) for patient_id, text in files]


def fold(patient_id: str) -> str:
    """`train` (60 %), `valid` (20 %) or `holdout` (20 %), by the patient's id alone: the same in every run and for every model.

    >>> [fold(f"p{number}") for number in range(5)]
    ['train', 'valid', 'valid', 'train', 'holdout']
    """
    number = blake2b(patient_id.encode(), digest_size=2).digest()
    share = int.from_bytes(number) / 65_536
    return "train" if share < 0.6 else "valid" if share < 0.8 else "holdout"
