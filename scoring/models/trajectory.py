"""One patient's stay as the bedside would have received it: typed events in the order they became known, with labels beside them and never among them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import nan

from parsers.events import Event
from streams.patient import PatientState
from streams.replay.events import Received


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One instant at which the patient is scored, and what became known since the step before: every event was received by `at`."""

    at: datetime
    events: Sequence[Event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """One stay, whichever data set it is from. `steps`: in order of time.

    `initial`: what was known before the first step. `hospital_id`: None where the set names none. `labels`: by task, one a step, 1.0 or 0.0;
    nan where the set has no such label or the patient is not at risk then. `onsets`: by task, when the event began; absent where it never did, or the
    set does not say when. Both are made with the future in sight: nothing may feed them to a model.
    """

    patient_id: str
    hospital_id: str | None = None
    source: str
    initial: PatientState
    steps: Sequence[Step]
    labels: Mapping[str, Sequence[float]] = field(default_factory=dict)
    onsets: Mapping[str, datetime] = field(default_factory=dict)

    def label(self, task: str) -> Sequence[float]:
        """The labels of one task, nan at every step where this set lacks it."""
        return self.labels.get(task) or [nan] * len(self.steps)


def steps(received: Iterable[Received], times: Sequence[datetime]) -> list[Step]:
    """Each event at the first of these times by which it was known; what became known after the last is left out. Both in order of time."""
    told: list[list[Event]] = [[] for _ in times]
    place = 0
    for one in received:
        while place < len(times) and times[place] < one.at:
            place += 1
        if place == len(times):
            break
        told[place].append(one.event)
    return [Step(at=at, events=events) for at, events in zip(times, told, strict=True)]
