"""Walks trajectories through the bedside's own `advance` and `features`, so that training sees exactly what the ward will see."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from scoring.models.cinc2019 import trajectory
from scoring.models.tasks import SEPSIS
from scoring.models.trajectory import Trajectory
from scoring.observations import observations
from scoring.published.inputs import NotForThisPatient
from scoring.published.news2 import news2
from scoring.side_by_side import mapped
from streams.features import FEATURES, features
from streams.patient import PatientState, advance

Floats = npt.NDArray[np.float32]
CHUNK = 200


@dataclass(frozen=True, slots=True)
class Walked:
    """One patient's rows: features (T, F), labels (T,), and the NEWS2 lower bound (T,), nan where nothing is known.

    `labels` are those of the task that was walked for, `labels_by_task` all that the data set has, each (T,), nan where masked.
    """

    patient_id: str
    matrix: Floats
    labels: Floats
    news2_at_least: Floats
    hospital_id: str | None = None
    labels_by_task: Mapping[str, Floats] = field(default_factory=dict)


def walk(patient: Trajectory, task: str = SEPSIS) -> Walked:
    """Step by step; a row's features are taken after its own events and before any later one is known."""
    state = patient.initial
    rows, bounds = [], []
    for step in patient.steps:
        for event in step.events:
            state = advance(state, event, received_at=step.at)
        rows.append(features(state, step.at))
        bounds.append(_news2_at_least(state, step.at))
    return Walked(
        patient_id=patient.patient_id,
        matrix=np.stack(rows) if rows else np.empty((0, len(FEATURES)), np.float32),
        labels=np.array(patient.label(task), np.float32),
        news2_at_least=np.array(bounds, np.float32),
        hospital_id=patient.hospital_id,
        labels_by_task={name: np.array(labels, np.float32) for name, labels in patient.labels.items()},
    )


def _news2_at_least(state: PatientState, at: datetime) -> float:
    inputs, as_of = observations(state, at)
    try:
        return np.nan if as_of is None else float(news2(inputs).at_least)
    except NotForThisPatient:
        return np.nan


def walk_all(files: Iterable[tuple[str, str]], workers: int = 2) -> Iterator[Walked]:
    """Every CinC 2019 file, in order, on several cores."""
    return mapped(_walk_file, files, chunk=CHUNK, workers=workers)


def _walk_file(file: tuple[str, str]) -> Walked:
    return walk(trajectory(*file))


def fold(patient_id: str) -> str:
    """`train` (60 %), `valid` (20 %) or `holdout` (20 %), by the patient's id alone: the same in every run and for every model.

    >>> [fold(f"p{number}") for number in range(5)]
    ['train', 'valid', 'valid', 'train', 'holdout']
    """
    number = blake2b(patient_id.encode(), digest_size=2).digest()
    share = int.from_bytes(number) / 65_536
    return "train" if share < 0.6 else "valid" if share < 0.8 else "holdout"
