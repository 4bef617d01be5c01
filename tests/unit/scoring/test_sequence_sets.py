"""What the data sets' outcomes tell the sequence model, and that cross-validation judges each patient once, unseen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from scoring.models.sequence.crossvalidation import joined, one_fold
from scoring.models.sequence.encoding import Encoded
from scoring.models.sequence.network import Shape
from scoring.models.sequence.sets import onsets
from scoring.models.sequence.step import CODES
from scoring.models.sequence.targets import Onset, sepsis_2019
from scoring.models.sequence.training import Plan
from scoring.models.tasks import Outcome
from scoring.models.trajectory import Step, Trajectory
from streams.patient import PatientState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
STAY = Trajectory(
    patient_id="p1",
    source="test",
    initial=PatientState(patient_id="p1"),
    steps=[Step(at=NOON + HOUR * place, events=[]) for place in range(1, 31)],
)


def test_an_outcome_that_tells_nothing_gives_no_task_and_a_known_one_is_on_the_clock_of_the_steps() -> None:
    nothing = Outcome(began_at=NOON)
    assert onsets(nothing, STAY) == {}
    died = replace(nothing, died_in_hospital=True, died_at=NOON + 21 * HOUR)
    assert onsets(died, STAY) == {"death": Onset(event_h=20.0, followed_h=np.inf)}
    assert onsets(replace(nothing, died_in_hospital=True), STAY) == {}
    assert onsets(replace(nothing, died_in_hospital=False), STAY) == {"death": Onset(event_h=np.inf, followed_h=np.inf)}


def test_aki_is_judged_from_the_first_creatinine_to_the_last_and_never_on_dialysis() -> None:
    drawn = [(NOON + hour * HOUR, value) for hour, value in ((2, 1.0), (10, 1.1), (20, 1.6))]
    assert onsets(Outcome(began_at=NOON, creatinine=drawn), STAY) == {"aki": Onset(event_h=19.0, followed_h=19.0, from_h=1.0)}
    assert onsets(Outcome(began_at=NOON, creatinine=drawn, chronic_dialysis=True), STAY) == {}


def test_who_came_with_both_supports_is_at_risk_of_neither() -> None:
    supported = Outcome(began_at=NOON, support_known=True, vasopressors_at=NOON, ventilation_at=NOON + 9 * HOUR)
    assert onsets(supported, STAY) == {"support": Onset(event_h=8.0, followed_h=29.0)}
    assert onsets(replace(supported, ventilation_at=NOON), STAY) == {}
    assert onsets(replace(supported, support_known=False), STAY) == {}


def test_every_patient_of_a_fold_is_judged_once_and_a_written_fold_is_not_trained_again(tmp_path: Path) -> None:
    stays, said = [_stay(number) for number in range(40)], []
    folds = {one.patient_id: place % 2 for place, one in enumerate(stays[:30])}
    plan = Plan(seed=1, pretrain_epochs=0, epochs=1, patients_a_step=8)
    paths = [one_fold(stays, folds, number, Shape(hidden=8), plan, tmp_path, said.append) for number in (0, 1)]
    spoken = len(said)
    assert one_fold(stays, folds, 0, Shape(hidden=8), plan, tmp_path, said.append) == paths[0]
    assert len(said) == spoken
    joined(paths, tmp_path / "oof.npz")
    with np.load(tmp_path / "oof.npz") as held:
        rows = list(zip(held["patient_id"].tolist(), held["hour"].tolist(), strict=True))
        assert sorted(rows) == sorted((one.patient_id, hour) for one in stays[:30] for hour in range(len(one.hours)))
        assert np.isfinite(held["worth"]).all()
        assert ((held["sepsis_6h"] >= 0) & (held["sepsis_6h"] <= 1)).all()


def _stay(number: int) -> Encoded:
    hours = 3 + number % 5
    labels = [float(number % 3 == 0 and hour > 0) for hour in range(hours)]
    random = np.random.default_rng(number)
    onset, gain = sepsis_2019([float(hour) for hour in range(hours)], labels)
    values = np.full((hours, len(CODES)), np.nan, np.float32)
    values[:, 0] = random.normal(80, 10, hours)
    return Encoded(
        patient_id=f"p{number}", group=f"p{number}", hours=np.arange(hours, dtype=np.float32), values=values, context=np.ones((hours, 6), np.float32),
        onsets={} if onset is None else {"sepsis": onset}, gain=gain,
    )  # fmt: skip
