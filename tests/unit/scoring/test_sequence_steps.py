"""A step of the sequence model: what became known at one instant, from the bedside's own state; and what is to be told of it."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from parsers.codes import CANONICAL
from parsers.events import Canonical, Observation
from scoring.models.sequence.encoding import encode, load, save
from scoring.models.sequence.step import CODES, HIGH, LOW, NAMES, step_of
from scoring.models.sequence.targets import HORIZONS_H, Onset, intervals, sepsis_2019
from scoring.models.trajectory import Step, Trajectory
from streams.features import CODE
from streams.movements import Encounter
from streams.patient import PatientState, advance

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOBODY = PatientState(
    patient_id="p1",
    birth_date=date(1960, 3, 1),
    sex="F",
    encounter=Encounter(encounter_id="e1", unit="SICU", unit_since=NOON - 2 * HOUR, admitted_at=NOON - 5 * HOUR),
)


def taken(name: str, value: float | str, at: datetime, key: str | None = None) -> Observation:
    known = CANONICAL[CODE[name]]
    number, text = (None, value) if isinstance(value, str) else (value, None)
    return Observation(
        code=known.code, code_system="LN", value_num=number, value_text=text, comparator=None, unit=known.unit, observed_at=at, status="final",
        set_id=None, sub_id=None, canonical=Canonical(code=known.code, value_num=number, value_text=text, unit=known.unit), result_key=key,
    )  # fmt: skip


def told(values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(NAMES, values, strict=True) if not np.isnan(value)}


def test_a_step_holds_what_was_received_at_its_instant_and_nothing_older() -> None:
    state = advance(NOBODY, taken("lactate", 2.0, NOON - HOUR), received_at=NOON - HOUR)
    state = advance(state, taken("heart_rate", 90.0, NOON), received_at=NOON)
    state = advance(state, taken("avpu", "V", NOON), received_at=NOON)
    step = step_of(state, NOON, NOON - HOUR)
    assert told(step.values) == {"heart_rate": 90.0, "avpu": 1.0}
    assert step.context.tolist() == pytest.approx([1.0, 66.0, 0.0, 1.0, 5.0, 2.0], abs=0.01)


def test_a_late_result_of_an_older_time_does_not_take_the_place_of_a_newer_one() -> None:
    state = advance(NOBODY, taken("lactate", 4.0, NOON), received_at=NOON)
    state = advance(state, taken("lactate", 2.0, NOON - 3 * HOUR), received_at=NOON + HOUR)
    assert told(step_of(state, NOON + HOUR, NOON).values) == {}


def test_a_correction_counts_when_it_is_received() -> None:
    state = advance(NOBODY, taken("lactate", 40.0, NOON, key="L1"), received_at=NOON)
    state = advance(state, taken("lactate", 4.0, NOON, key="L1"), received_at=NOON + HOUR)
    assert told(step_of(state, NOON + HOUR, NOON).values) == {"lactate": 4.0}


def test_what_is_not_known_of_a_patient_is_not_a_number() -> None:
    step = step_of(PatientState(patient_id="p2"), NOON, None)
    assert step.context[0] == 0.0
    assert np.isnan(step.context[1:]).all()


def test_every_canonical_quantity_has_its_place_and_its_range() -> None:
    assert sorted(CODES) == sorted(CANONICAL)
    assert (LOW < HIGH).all()


def test_shifting_the_future_changes_no_earlier_step() -> None:
    def stay(later: float) -> Trajectory:
        values = [(80.0, 1.5), (85.0, 1.6), (later, later)]
        steps = [
            Step(
                at=NOON + HOUR * place,
                events=[taken("heart_rate", rate, NOON + HOUR * place), taken("lactate", lactate, NOON + HOUR * place)],
            )
            for place, (rate, lactate) in enumerate(values)
        ]
        return Trajectory(patient_id="p1", source="test", initial=NOBODY, steps=steps, labels={"sepsis": [0.0, 0.0, 1.0]})

    one, other = encode(stay(20.0)), encode(stay(40.0))
    np.testing.assert_array_equal(one.values[:2], other.values[:2])
    np.testing.assert_array_equal(one.context, other.context)
    assert not np.array_equal(one.values[2], other.values[2], equal_nan=True)


TABLE = [
    # task, event, followed until, at risk from → what came and what may be judged at hour 0 for ends 2, 4, 6, 12, 24, 48
    ("death", Onset(event_h=5.0, followed_h=np.inf), "001000", "111000"),
    ("death", Onset(event_h=2.0, followed_h=np.inf), "100000", "100000"),
    ("death", Onset(event_h=np.inf, followed_h=12.0), "000000", "111100"),
    ("death", Onset(event_h=np.inf, followed_h=np.inf), "000000", "111111"),
    ("aki", Onset(event_h=np.inf, followed_h=np.inf, from_h=1.0), "000000", "000000"),
    ("aki", Onset(event_h=-1.0, followed_h=np.inf), "000000", "000000"),
    ("sepsis", Onset(event_h=-1.0, followed_h=np.inf), "100000", "100000"),
    ("death", None, "000000", "000000"),
]


@pytest.mark.parametrize(("task", "onset", "came", "judged"), TABLE)
def test_an_interval_is_judged_where_nothing_came_before_it_and_it_was_seen_to_its_end(
    task: str, onset: Onset | None, came: str, judged: str
) -> None:
    found = intervals([0.0], onset, task)
    assert ["".join(str(int(one)) for one in part[0]) for part in found] == [came, judged]


def test_the_challenges_labels_are_the_event_within_six_hours() -> None:
    labels = [0.0] * 10 + [1.0] * 8
    onset, gain = sepsis_2019([float(hour) for hour in range(18)], labels)
    came, _ = intervals([float(hour) for hour in range(18)], onset, "sepsis")
    assert came[:, : HORIZONS_H.index(6.0) + 1].any(axis=1).tolist() == [label > 0 for label in labels]
    assert [hour for hour in range(18) if gain[hour] > 0] == list(range(5, 18))


def test_unlabelled_stays_have_no_onset_and_no_gain() -> None:
    onset, gain = sepsis_2019([0.0, 1.0], [float("nan")] * 2)
    assert onset is None
    assert np.isnan(gain).all()


def test_what_is_kept_on_disk_comes_back_the_same(tmp_path: Path) -> None:
    steps = [Step(at=NOON + HOUR * place, events=[taken("heart_rate", 80.0 + place, NOON + HOUR * place)]) for place in range(3)]
    stays = [
        encode(
            Trajectory(patient_id="a", hospital_id="h7", source="test", initial=NOBODY, steps=steps, labels={"sepsis": [0.0, 0.0, 1.0]})
        ),
        encode(
            Trajectory(patient_id="b", source="test", initial=NOBODY, steps=steps[:1]),
            {"aki": Onset(event_h=np.inf, followed_h=3.0, from_h=1.0)},
        ),
    ]
    save(stays, tmp_path / "kept.npz")
    back = load(tmp_path / "kept.npz")
    assert [(one.patient_id, one.group, one.onsets) for one in back] == [(one.patient_id, one.group, one.onsets) for one in stays]
    for one, other in zip(stays, back, strict=True):
        for name in ("hours", "values", "context", "gain"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_carrying_a_patient_needs_no_torch() -> None:
    code = "import sys; import scoring.models.sequence.carried, scoring.models.sequence.session; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
