"""Every data set as encoded patients: CinC 2019 with sepsis, the eICU demo with death, AKI and support, CinC 2012 with AKI; kept on disk."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from scoring.models import cinc2012, eicu, tasks
from scoring.models.sequence.encoding import Encoded, encode, encode_all, load, save
from scoring.models.sequence.step import VERSION
from scoring.models.sequence.targets import Onset
from scoring.models.tasks import AKI, ARRIVAL, DEATH, SUPPORT, Outcome
from scoring.models.trajectory import Trajectory
from streams.replay import cinc2012 as files2012
from streams.replay import cinc2019 as files2019
from streams.replay import eicu as files_eicu
from streams.replay.eicu_tables import tables


def encoded(source: str, path: Path, kept: Path, data_sha256: str) -> list[Encoded]:
    """`source`: a name in SETS. Read from the folder `kept` where it holds the same data in the same quantities; else made, which takes a
    minute, and written there."""
    file = kept / f"{source}-{VERSION}-{data_sha256[:8]}.npz"
    if not file.exists():
        patients = list(SETS[source](path))
        kept.mkdir(parents=True, exist_ok=True)
        beside = file.with_suffix(".part.npz")
        save(patients, beside)
        beside.replace(file)
    return load(file)


def _sepsis2019(path: Path) -> Iterator[Encoded]:
    yield from encode_all(files2019.files(path))


def _cinc2012(path: Path) -> Iterator[Encoded]:
    died = cinc2012.deaths(path)
    for record_id, text in files2012.files(path):
        course = files2012.course(record_id, text)
        trajectory = cinc2012.trajectory(course, died.get(record_id))
        known = onsets(cinc2012.outcome(course, died.get(record_id)), trajectory)
        yield encode(trajectory, {task: known[task] for task in (AKI,) if task in known})


def _eicu(path: Path) -> Iterator[Encoded]:
    folder = tables(path)
    if folder is None:
        raise files_eicu.NoEicuTables(f"{path}: no patient.csv.gz in it or beside it")
    known = eicu.persons(folder)
    for course in files_eicu.courses(path):
        if course.stay_id in known:
            trajectory = eicu.trajectory(course, known[course.stay_id])
            yield encode(trajectory, onsets(eicu.outcome(course, known[course.stay_id]), trajectory))


SETS: dict[str, Callable[[Path], Iterator[Encoded]]] = {"cinc2019": _sepsis2019, "cinc2012": _cinc2012, "eicu": _eicu}


def onsets(outcome: Outcome, trajectory: Trajectory) -> dict[str, Onset]:
    """What an outcome tells of each task, on the clock of the trajectory's steps; a task of which it tells nothing is left out."""
    if not trajectory.steps:
        return {}
    began, last = trajectory.steps[0].at, trajectory.steps[-1].at

    def hour(at: datetime | None) -> float:
        return np.inf if at is None else (at - began).total_seconds() / 3600.0

    found = {}
    if outcome.died_in_hospital is False or outcome.died_at is not None:
        found[DEATH] = Onset(event_h=hour(tasks.death_onset(outcome)), followed_h=np.inf)
    drawn = [at for at, _ in outcome.creatinine]
    if drawn and not outcome.chronic_dialysis:
        found[AKI] = Onset(event_h=hour(tasks.aki_onset(outcome)), followed_h=hour(max(drawn)), from_h=hour(min(drawn)))
    starts = (outcome.vasopressors_at, outcome.ventilation_at)
    if outcome.support_known and any(start is None or start > outcome.began_at + ARRIVAL for start in starts):
        found[SUPPORT] = Onset(event_h=hour(tasks.support_onset(outcome)), followed_h=hour(last))
    return found
