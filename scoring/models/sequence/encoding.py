"""From trajectories to arrays: each patient walked once through the bedside's own `advance`, one step for each instant, and kept on disk."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scoring.models.cinc2019 import trajectory
from scoring.models.sequence.step import CODES, CONTEXT, step_of
from scoring.models.sequence.targets import Onset, sepsis_2019
from scoring.models.tasks import SEPSIS
from scoring.models.trajectory import Trajectory
from scoring.side_by_side import mapped
from streams.patient import advance

Floats = npt.NDArray[np.float32]
CHUNK = 200
COLUMNS = ("hours", "values", "context", "gain")


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One patient: hours (T,) since the first step, values (T, C) and context (T, 6) as in `Step`, what came of the tasks, and
    the gain of an alarm over silence (T,), NaN where the set has no such labels.

    `group` is never parted between learning and judging: the hospital where the set names it, else the patient.
    """

    patient_id: str
    group: str
    hours: Floats
    values: Floats
    context: Floats
    onsets: Mapping[str, Onset]
    gain: Floats


def encode(patient: Trajectory, onsets: Mapping[str, Onset] | None = None) -> Encoded:
    """Instant by instant; a step is taken after its own events and before any later one is known. `onsets`: what is known beside the labels."""
    state, before = patient.initial, None
    taken = []
    for step in patient.steps:
        for event in step.events:
            state = advance(state, event, received_at=step.at)
        taken.append(step_of(state, step.at, before))
        before = step.at
    hours = [(step.at - patient.steps[0].at).total_seconds() / 3600.0 for step in patient.steps]
    sepsis, gain = sepsis_2019(hours, patient.label(SEPSIS))
    return Encoded(
        patient_id=patient.patient_id,
        group=patient.hospital_id or patient.patient_id,
        hours=np.array(hours, np.float32),
        values=np.stack([step.values for step in taken]) if taken else np.empty((0, len(CODES)), np.float32),
        context=np.stack([step.context for step in taken]) if taken else np.empty((0, len(CONTEXT)), np.float32),
        onsets={**(onsets or {}), **({} if sepsis is None else {SEPSIS: sepsis})},
        gain=gain,
    )


def encode_all(files: Iterable[tuple[str, str]], workers: int = 2) -> Iterator[Encoded]:
    """Every CinC 2019 file, in order, on several cores."""
    return mapped(_encode_file, files, chunk=CHUNK, workers=workers)


def _encode_file(file: tuple[str, str]) -> Encoded:
    return encode(trajectory(*file))


def save(patients: Sequence[Encoded], path: Path) -> None:
    """Writes them as one file of arrays."""
    tasks = sorted({task for one in patients for task in one.onsets})
    unknown = Onset(event_h=np.nan, followed_h=np.nan)
    known = [[one.onsets.get(task, unknown) for task in tasks] for one in patients]
    arrays: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in patients]) for name in COLUMNS}
    np.savez(
        path,
        patient_ids=np.array([one.patient_id for one in patients]),
        groups=np.array([one.group for one in patients]),
        lengths=np.array([len(one.hours) for one in patients]),
        tasks=np.array(tasks, dtype=np.str_),
        onsets=np.array([[(each.event_h, each.followed_h, each.from_h) for each in row] for row in known], np.float32),
        **arrays,
    )


def load(path: Path) -> list[Encoded]:
    """Reads what `save` wrote."""
    with np.load(path) as held:
        tasks = [str(task) for task in held["tasks"]]
        ends = np.cumsum(held["lengths"])[:-1]
        columns = {name: np.split(held[name], ends) for name in COLUMNS}
        onsets = [_onsets(tasks, row) for row in held["onsets"]]
        ids, groups = ([str(one) for one in held[name]] for name in ("patient_ids", "groups"))
    return [
        Encoded(patient_id=ids[place], group=groups[place], onsets=onsets[place], **{name: columns[name][place] for name in COLUMNS})
        for place in range(len(ids))
    ]


def _onsets(tasks: Sequence[str], row: Floats) -> dict[str, Onset]:
    known = [(task, each.tolist()) for task, each in zip(tasks, row, strict=True) if not np.isnan(each[1])]
    return {task: Onset(event_h=event_h, followed_h=followed_h, from_h=from_h) for task, (event_h, followed_h, from_h) in known}
