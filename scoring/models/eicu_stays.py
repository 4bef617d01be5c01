"""Stays as the boosters see them: every hour's columns, labels and published scores, walked once and kept in the run folder."""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from math import nan
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from scoring.evaluate.course import course
from scoring.models import cinc2012, eicu, eicu_inputs, tasks, trajectory
from scoring.models.data_hash import data_hash
from scoring.models.eicu_inputs import COLUMNS, further
from scoring.models.trajectory import Trajectory

Floats = npt.NDArray[np.float32]

MADE_BY: Final = (cinc2012, eicu, eicu_inputs, tasks, trajectory)
"""What is kept is good only while these are as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One stay's T rows. hours: (T,) whole hours since the stay began. matrix: (T, len(COLUMNS)). labels: by task (T,), nan where masked.

    news2, qsofa: (T,) lower bounds, nan where nothing is known. onset_h: by task, absent where the event never came. groups: by name, one word of the
    stay, empty where it is not known.
    """

    patient_id: str
    person_id: str
    hospital_id: str
    hours: npt.NDArray[np.int64]
    matrix: Floats
    labels: Mapping[str, Floats]
    news2: Floats
    qsofa: Floats
    onset_h: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)


def stay_of(patient: Trajectory, person_id: str, groups: Mapping[str, str]) -> Stay:
    """Walked through the bedside's own `advance` and `features`. `groups`: what the trajectory itself does not tell."""
    encounter = patient.initial.encounter
    began = encounter.unit_since if encounter is not None and encounter.unit_since is not None else patient.steps[0].at
    walked = course(patient, [nan] * len(patient.steps), began, nan, groups, {})
    news2 = np.array([one.news2 for one in walked.published], np.float32)
    return Stay(
        patient_id=patient.patient_id, person_id=person_id, hospital_id=patient.hospital_id or patient.source, hours=np.round(walked.hour).astype(np.int64),
        matrix=np.concatenate([walked.matrix, further(patient, news2.tolist())], axis=1),
        labels={name: np.array(labels, np.float32) for name, labels in patient.labels.items()}, news2=news2,
        qsofa=np.array([one.qsofa for one in walked.published], np.float32),
        onset_h={name: (at - began).total_seconds() / 3600.0 for name, at in patient.onsets.items()}, groups=walked.groups,
    )  # fmt: skip


def cached(out: Path, data: Path, say: Callable[[str], None], make: Callable[[], list[Stay]]) -> list[Stay]:
    """The stays from the run folder, where data, columns and the code that makes labels and columns are the same; else made and kept there."""
    out.mkdir(parents=True, exist_ok=True)
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in MADE_BY) + Path(__file__).read_bytes()
    key = blake2b(f"{data_hash(data)}{' '.join(COLUMNS)}".encode() + code, digest_size=8).hexdigest()
    cache = out / f"stays-{key}.pickle"
    if cache.exists():
        kept: list[Stay] = pickle.loads(cache.read_bytes())  # noqa: S301 (a cache that this run wrote itself)
        return kept
    say(f"walking {data}")
    stays = make()
    cache.write_bytes(pickle.dumps(stays))
    return stays
