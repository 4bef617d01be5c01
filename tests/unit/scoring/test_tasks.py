"""Labels by the book: who is at risk, when the event begins, and every horizon on both of its sides."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import inf, isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.models.tasks import AKI, DEATH, DEATH_24H, DETERIORATION, SUPPORT, TASKS, Outcome, all_labels

START = datetime(2026, 3, 1, tzinfo=UTC)


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def labels(task: str, outcome: Outcome, hours: Sequence[float]) -> list[float | None]:
    """None: masked."""
    return [None if isnan(one) else one for one in TASKS[task].labels(outcome, [at(hour) for hour in hours])]


def outcome(**known: object) -> Outcome:
    return Outcome(**({"began_at": START} | known))  # type: ignore[arg-type]


def test_death_in_hospital_is_a_label_of_the_whole_stay() -> None:
    assert labels(DEATH, outcome(died_in_hospital=True, died_at=at(90)), [1, 50]) == [1, 1]
    assert labels(DEATH, outcome(died_in_hospital=False), [1, 50]) == [0, 0]
    assert labels(DEATH, outcome(), [1, 50]) == [None, None]


def test_death_within_a_day_ends_at_24_hours_and_at_the_death() -> None:
    dies = outcome(died_in_hospital=True, died_at=at(30))
    assert labels(DEATH_24H, dies, [5.9, 6, 29.9, 30]) == [0, 1, 1, 0]
    assert labels(DEATH_24H, outcome(died_in_hospital=True), [1]) == [None], "it is not known when"
    assert labels(DEATH_24H, outcome(died_in_hospital=False), [1]) == [0]
    assert TASKS[DEATH_24H].onset(dies) == at(30)


CREATININE = [(at(2), 1.0), (at(20), 1.2), (at(60), 1.5), (at(70), 2.4)]


def test_aki_is_foreseen_from_48_hours_before_the_creatinine_that_proves_it() -> None:
    ill = outcome(creatinine=CREATININE)
    assert TASKS[AKI].onset(ill) == at(60), "1.5 times the lowest of 7 days"
    assert labels(AKI, ill, [1, 2, 11.9, 12, 59, 60, 65]) == [None, 0, 0, 1, 1, None, None]


def test_a_rise_of_0_3_within_48_hours_is_aki_though_floats_say_no() -> None:
    assert TASKS[AKI].onset(outcome(creatinine=[(at(1), 1.1), (at(30), 1.4)])) == at(30)
    assert TASKS[AKI].onset(outcome(creatinine=[(at(1), 1.1), (at(50), 1.4)])) is None


def test_without_a_creatinine_to_come_nobody_can_say() -> None:
    well = outcome(creatinine=[(at(2), 1.0), (at(60), 1.0)])
    assert labels(AKI, well, [2, 11, 12, 59, 60, 61]) == [None, None, 0, 0, None, None]
    assert labels(AKI, outcome(), [2]) == [None]


def test_chronic_dialysis_is_never_at_risk_of_aki() -> None:
    assert labels(AKI, outcome(creatinine=CREATININE, chronic_dialysis=True), [2, 30]) == [None, None]
    assert TASKS[AKI].onset(outcome(creatinine=CREATININE, chronic_dialysis=True)) is None


@pytest.mark.parametrize(
    ("vasopressors", "ventilation", "expected"),
    [
        (None, None, [0, 0, 0, 0, 0]),
        (20.0, None, [0, 1, 1, 0, 0]),  # once on vasopressors, still at risk of ventilation
        (20.0, 50.0, [0, 1, 1, 1, None]),
        (2.0, None, [0, 0, 0, 0, 0]),  # came with them
        (2.0, 3.0, [None] * 5),
        (4.0, 20.0, [0, 1, 1, None, None]),  # charted at the fourth hour: begun before
    ],
)
def test_support_is_what_begins_within_12_hours_and_was_not_there_before(
    vasopressors: float | None, ventilation: float | None, expected: list[float | None]
) -> None:
    known = outcome(
        vasopressors_at=None if vasopressors is None else at(vasopressors),
        ventilation_at=None if ventilation is None else at(ventilation),
        support_known=True,
    )
    assert labels(SUPPORT, known, [7, 8, 19, 40, 55]) == expected


def test_where_treatment_is_not_told_support_is_masked() -> None:
    assert labels(SUPPORT, outcome(), [5]) == [None]
    assert TASKS[SUPPORT].onset(outcome(vasopressors_at=at(9))) is None


def test_deterioration_is_any_of_its_parts_and_masked_where_all_are() -> None:
    ill = outcome(died_in_hospital=True, died_at=at(90), creatinine=CREATININE, vasopressors_at=at(80), support_known=True)
    assert labels(DETERIORATION, ill, [5, 12, 61, 68, 82, 90]) == [0, 1, 0, 1, 1, 0]
    assert TASKS[DETERIORATION].onset(ill) == at(60)
    assert labels(DETERIORATION, outcome(), [5]) == [None]


@pytest.mark.parametrize(
    ("task", "silence_h", "horizon_h"), [(DEATH, inf, inf), (DEATH_24H, 24, 24), (AKI, 48, 48), (SUPPORT, 12, 12), (DETERIORATION, 12, 48)]
)
def test_an_alert_silences_no_longer_than_the_shortest_window_an_event_of_the_task_has(
    task: str, silence_h: float, horizon_h: float
) -> None:
    assert (TASKS[task].silence_h, TASKS[task].horizon_h) == (silence_h, horizon_h)


times = st.lists(st.floats(0, 200), max_size=8)


@given(
    hours=st.lists(st.integers(0, 200), max_size=12).map(sorted),
    creatinine=st.lists(st.tuples(st.floats(0, 200), st.floats(0.3, 6)), max_size=6).map(sorted),
    died=st.none() | st.floats(0, 300),
    vasopressors=st.none() | st.floats(0, 200),
    ventilation=st.none() | st.floats(0, 200),
)
def test_the_union_is_at_least_each_part_and_every_positive_row_lies_before_an_event(
    hours: list[int],
    creatinine: list[tuple[float, float]],
    died: float | None,
    vasopressors: float | None,
    ventilation: float | None,
) -> None:
    known = outcome(
        died_in_hospital=died is not None,
        died_at=None if died is None else at(died),
        creatinine=[(at(hour), value) for hour, value in creatinine],
        vasopressors_at=None if vasopressors is None else at(vasopressors),
        ventilation_at=None if ventilation is None else at(ventilation),
        support_known=True,
    )
    found = all_labels(known, [at(hour) for hour in hours])
    for name, task in TASKS.items():
        for hour, label, union in zip(hours, found[name], found[DETERIORATION], strict=True):
            assert isnan(label) or label in (0.0, 1.0)
            if name in (DEATH_24H, AKI, SUPPORT) and label == 1.0:
                assert union == 1.0
            if name in (DEATH_24H, AKI) and label == 1.0:
                onset = task.onset(known)
                assert onset is not None
                assert at(hour) < onset
