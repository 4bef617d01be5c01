"""CinC 2012 as trajectories: the first 48 hours of a stay, with death in hospital and AKI as labels."""

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from scoring.models.tasks import AKI, DEATH, Outcome, all_labels
from scoring.models.trajectory import Trajectory, steps
from streams.replay import cinc2012
from streams.replay.events import initial, received, series
from streams.replay.facts import Course

START: Final = datetime(2012, 1, 1, tzinfo=UTC)
LAST_H: Final = 48
TOLD: Final = (DEATH, AKI)
"""The tasks that this set has labels for: the day of a death is too coarse for 24 hours, and of vasopressors it tells nothing."""


def deaths(path: Path) -> dict[str, bool]:
    """Death in hospital by record, from every Outcomes file in the folder."""
    found = {}
    for one in sorted(path.glob("Outcomes-*.txt")):
        for row in csv.DictReader(one.read_text().splitlines()):
            found[row["RecordID"]] = row["In-hospital_death"].strip() == "1"
    return found


def trajectories(path: Path, every_h: int = 1) -> Iterator[Trajectory]:
    """Every record of a folder, scored every so many hours. Raises streams.replay.cinc2012.NotACinc2012File."""
    died = deaths(path)
    for record_id, text in cinc2012.files(path):
        yield trajectory(cinc2012.course(record_id, text), died.get(record_id), every_h)


def trajectory(course: Course, died: bool | None, every_h: int = 1) -> Trajectory:
    """One record. `died`: None where it is not known."""
    times = [START + timedelta(hours=hour) for hour in range(every_h, LAST_H + 1, every_h)]
    labels: Mapping[str, list[float]] = all_labels(outcome(course, died), times)
    return Trajectory(
        patient_id=course.stay_id, source="cinc2012", initial=initial(course, START),
        steps=steps(received(course, START), times), labels={task: labels[task] for task in TOLD},
    )  # fmt: skip


def outcome(course: Course, died: bool | None) -> Outcome:
    """What became of the patient."""
    return Outcome(began_at=START, died_in_hospital=died, creatinine=series(course, "creatinine", START))
