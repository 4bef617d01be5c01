"""Patients of the past walked through the bedside's own `advance` and scorer, once; what was scored is kept, so that many policies can be tried on it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from alerts.exclusions import Circumstances, circumstances_of
from scoring.bedside import Bedside
from scoring.evaluate.utility import LABEL_LEAD_H
from scoring.models.cinc2019 import trajectory
from scoring.models.metadata import Metadata
from scoring.models.session import Session
from scoring.models.tasks import SEPSIS
from scoring.side_by_side import mapped
from scoring.watched import Watching
from streams.patient import advance
from streams.processing import Moment, changed_codes
from streams.record import Source

NEVER_RECORDED: Final = frozenset({"consciousness", "on_oxygen"})
"""What these data have of nobody. Where nothing else is missing the lower bound stands for the score, as if it were normal; else no episode would ever clear."""

CHUNK = 50
"""Patients a process takes at once."""


class Seen(NamedTuple):
    """One score of one hour, as far as a decision asks. `heaviest`: the one part that weighs more than any other, with its points; empty where several do."""

    name: str
    value: float | None
    at_least: float | None
    red: bool
    as_of: datetime
    heaviest: str = ""
    points: float = 0.0


@dataclass(frozen=True, slots=True)
class Track:
    """One patient: each hour's time and scores. `onset`: of sepsis, None where there was none; `times` and `scores` run side by side."""

    patient_id: str
    circumstances: Circumstances
    times: Sequence[datetime]
    scores: Sequence[tuple[Seen, ...]]
    onset: datetime | None

    @property
    def unit(self) -> str:
        """Where the patient lay."""
        return self.circumstances.unit or "unknown"

    @property
    def days(self) -> float:
        """Patient-days watched."""
        return len(self.times) / 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """What a process needs to walk patients: the folder of the model's version, and the scores to compute besides."""

    folder: Path
    watched: tuple[str, ...] = ()

    def walk(self, patient_id: str, text: str) -> Track:
        """One CinC 2019 file. Raises streams.replay.cinc2019.NotACinc2019File."""
        course = trajectory(patient_id, text)
        state = course.initial
        moments = []
        for number, step in enumerate(course.steps):
            for event in step.events:
                state = advance(state, event, received_at=step.at)
            source = Source(topic="past", partition=0, offset=number)
            moments.append(Moment(source=source, patient=state, received_at=step.at, changed=changed_codes(step.events)))
        scores: dict[str, list[Seen]] = {}
        for score in _scorer(self).score(moments, moments[-1].received_at) if moments else ():
            value = score.at_least if score.value is None and NEVER_RECORDED.issuperset(score.missing) else score.value
            seen_now = Seen(score.name, value, score.at_least, score.red, score.as_of, *_heaviest(score.parts))
            scores.setdefault(score.score_id.rsplit("/", 1)[0], []).append(seen_now)
        by_hour = [tuple(scores.get(str(moment.source), ())) for moment in moments]
        times = [step.at for step in course.steps]
        return Track(patient_id, circumstances_of(state), times, by_hour, _onset(times, course.label(SEPSIS)))


@cache
def _scorer(walker: Walker) -> Watching:
    metadata = msgspec.json.decode((walker.folder / "metadata.json").read_bytes(), type=Metadata)
    session = Session(walker.folder / "model.onnx", metadata)
    return Watching(Bedside(session, on_fallback=lambda _: None), lambda: walker.watched)


def _heaviest(parts: Mapping[str, float]) -> tuple[str, float]:
    most = max(parts.values(), default=0.0)
    names = [name for name, points in parts.items() if points == most]
    return (names[0], most) if len(names) == 1 else ("", 0.0)


def _onset(times: Sequence[datetime], labels: Sequence[float]) -> datetime | None:
    """Labels are 1 from six hours before the onset."""
    septic = np.flatnonzero(np.asarray(labels) > 0)
    return times[int(septic[0])] + timedelta(hours=LABEL_LEAD_H) if len(septic) else None


def walk_all(files: Iterable[tuple[str, str]], walker: Walker, workers: int = 2) -> Iterator[Track]:
    """Every file, in order, on several cores."""
    return mapped(partial(_walk_file, walker), files, chunk=CHUNK, workers=workers)


def _walk_file(walker: Walker, file: tuple[str, str]) -> Track:
    return walker.walk(*file)
