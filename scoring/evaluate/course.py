"""One stay walked through the bedside's own `advance` and `features` for judging: the model's inputs, the published scores, and who the patient was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from scoring.evaluate.rows import MODEL, Floats, Rows
from scoring.evaluate.subgroups import age_band, hour_band
from scoring.models.trajectory import Trajectory
from scoring.observations import CODES, observations
from scoring.published.inputs import CannotScore
from scoring.published.news2 import news2
from scoring.published.qsofa import qsofa
from streams.features import FEATURES, features
from streams.patient import PatientState, advance
from streams.processing import changed_codes

LAST_ROW_H: Final = 1.0
"""Hours under watch that the last row stands for: rows are hourly."""
NO_MATRIX: Final = np.empty((0, len(FEATURES)), np.float32)


class Published(NamedTuple):
    """NEWS2 and qSOFA at one instant: lower bounds, nan where nothing is known. `age_h`: of NEWS2's newest input. `complete`: nothing of NEWS2 is missing."""

    news2: float
    red: bool
    complete: bool
    age_h: float
    qsofa: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One stay of T rows. matrix: (T, F), emptied once the model has spoken. hour and label: (T,). changed, news2_changed: (T,) whether the row brought
    anything, and anything for NEWS2: only then does the bedside score. newest_h: (T,) age of the newest reading. onset_h: nan for no event.
    """

    patient_id: str
    began: datetime
    birth_date: date | None
    unit: str | None
    matrix: npt.NDArray[np.float32]
    hour: Floats
    label: Floats
    onset_h: float
    published: Sequence[Published]
    changed: npt.NDArray[np.bool_]
    news2_changed: npt.NDArray[np.bool_]
    newest_h: Floats
    groups: Mapping[str, str]
    recognised: Mapping[str, float] = field(default_factory=dict)

    def without_matrix(self) -> "Course":
        """What is kept of a stay once the model has spoken: the features are a hundred times the rest."""
        return replace(self, matrix=NO_MATRIX)


def course(
    stay: Trajectory, label: Sequence[float], began: datetime, onset_h: float, groups: Mapping[str, str], recognised: Mapping[str, float]
) -> Course:
    """Step by step; what a row holds is taken after its own events and before any later one is known."""
    state = stay.initial
    vectors, published, changed, news2_changed, newest = [], [], [], [], []
    for step in stay.steps:
        for event in step.events:
            state = advance(state, event, received_at=step.at)
        codes = changed_codes(step.events)
        vectors.append(features(state, step.at))
        published.append(_published(state, step.at))
        changed.append(bool(codes))
        news2_changed.append(bool(codes & CODES))
        newest.append(np.nan if state.newest is None else max(0.0, (step.at - state.newest).total_seconds() / 3600.0))
    return Course(
        patient_id=stay.patient_id,
        began=began,
        birth_date=state.birth_date,
        unit=state.encounter.unit if state.encounter else None,
        matrix=np.stack(vectors) if vectors else NO_MATRIX,
        hour=np.array([(step.at - began).total_seconds() / 3600.0 for step in stay.steps]),
        label=np.array(label, np.float64),
        onset_h=onset_h,
        published=published,
        changed=np.array(changed, np.bool_),
        news2_changed=np.array(news2_changed, np.bool_),
        newest_h=np.array(newest),
        groups={**_groups(stay, began), **groups},
        recognised=recognised,
    )


def _groups(stay: Trajectory, began: datetime) -> dict[str, str]:
    born, sex = stay.initial.birth_date, stay.initial.sex
    age = None if born is None else (began.date() - born).days / 365.25
    return {"age": age_band(age), "sex": {"F": "female", "M": "male", None: ""}[sex], "hospital": stay.hospital_id or ""}


def _published(state: PatientState, at: datetime) -> Published:
    inputs, as_of = observations(state, at)
    if as_of is None:
        return Published(np.nan, False, False, np.nan, np.nan)
    age_h = max(0.0, (at - as_of).total_seconds() / 3600.0)
    try:
        found = news2(inputs)
        return Published(float(found.at_least), found.red, found.total is not None, age_h, float(qsofa(inputs).told["at_least"]))
    except CannotScore:
        return Published(np.nan, False, False, age_h, np.nan)


def gathered(stays: Sequence[Course], spoken: Sequence[Floats]) -> Rows:
    """The rows of all stays; `spoken`: what the model said in each, (T,)."""
    length = np.array([len(one.hour) for one in stays], np.int64)
    columns = sorted({name for one in stays for name in one.groups})
    signs = sorted({name for one in stays for name in one.recognised})
    published = [row for one in stays for row in one.published]
    groups = {name: np.repeat(np.array([one.groups.get(name, "") for one in stays]), length) for name in columns}
    hour = _joined([one.hour for one in stays])
    return Rows(
        patients=len(stays),
        patient=np.repeat(np.arange(len(stays)), length),
        hour=hour,
        label=_joined([one.label for one in stays]),
        onset=np.array([one.onset_h for one in stays], np.float64),
        watched_h=np.array([one.hour[-1] - one.hour[0] + LAST_ROW_H if len(one.hour) else 0.0 for one in stays]),
        scores={
            MODEL: _joined(spoken),
            "news2": np.array([row.news2 for row in published], np.float64),
            "qsofa": np.array([row.qsofa for row in published], np.float64),
        },
        groups=groups | {"hours in unit": np.array([hour_band(one) for one in hour], np.str_)},
        recognised={name: np.array([one.recognised.get(name, np.nan) for one in stays]) for name in signs},
    )


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.empty(0)
