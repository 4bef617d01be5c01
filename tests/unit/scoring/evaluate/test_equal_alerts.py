"""Alerts after a silence, and events met at equal alerts: counted by hand, and equal in burden on every draw."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.evaluate.alerting import alerts_of, outcome
from scoring.evaluate.bootstrap import draws
from scoring.evaluate.equal_alerts import at_equal_alerts, counted, lowest_within, thresholds_of, windows
from scoring.evaluate.manner import Manner
from scoring.evaluate.rows import Rows
from tests.unit.scoring.evaluate.cohorts import many, rows

NAN = float("nan")


def silenced(cohort: Rows, silence_h: float, horizon_h: float = inf) -> Rows:
    """The same rows, alerting again after a silence."""
    return Rows(
        **{name: getattr(cohort, name) for name in ("patients", "patient", "hour", "label", "onset", "watched_h", "scores", "groups", "recognised")},
        manner=Manner(silence_h=silence_h, horizon_h=horizon_h),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("silence_h", "scores", "expected"),
    [
        (3.0, [9, 9, 9, 9, 9, 9, 9], [0, 3, 6]),
        (3.0, [9, 0, 0, 9, 0, 9, 9], [0, 3, 6]),  # whether it fell in between changes nothing
        (3.0, [9, NAN, NAN, NAN, 9, 9, 9], [0, 4]),
        (3.0, [NAN, 0, 0], []),
        (inf, [0, 9, 0, 9], [1]),
        (1.0, [9, 9, 0, 9], [0, 1, 3]),
    ],
)
def test_an_alert_silences_for_its_hours_whatever_the_score_does(silence_h: float, scores: list[float], expected: list[int]) -> None:
    cohort = silenced(rows([list(range(len(scores)))] * 2, {"s": [scores] * 2}, [NAN] * 2), silence_h)
    assert alerts_of(cohort, "s", 5.0).tolist() == [*expected, *(len(scores) + one for one in expected)], "and no patient silences another"


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.integers(1, 40))
def test_alerts_are_as_far_apart_as_the_silence_and_none_is_forgotten(high: list[bool], silence: int) -> None:
    hits = np.flatnonzero(high)
    cohort = silenced(rows([list(range(len(high)))], {"s": [[9.0 * one for one in high]]}, [NAN]), float(silence))
    found = alerts_of(cohort, "s", 5.0)
    assert (np.diff(found) >= silence).all()
    assert all(((found <= hit) & (found > hit - silence)).any() for hit in hits)


@given(st.integers(2, 40), st.integers(0, 200), st.integers(0, 60))
def test_a_score_that_is_high_all_through_a_window_meets_its_event_however_long_it_was_high(horizon: int, onset: int, seed: int) -> None:
    hours = list(range(onset))
    cohort = silenced(
        rows([hours], {"s": [[9.0] * onset]}, [float(onset)], labels=[[float(onset - hour <= horizon) for hour in hours]]), horizon
    )
    met = counted(cohort, "s", np.array([5.0]), windows(cohort)).met
    assert met.sum() == (onset > 0)


def test_a_gap_or_another_patient_ends_an_event() -> None:
    cohort = rows([[1, 2, 3, 7, 8], [9, 10]], {}, [NAN, NAN], labels=[[1, 1, 0, 1, 1], [1, 1]])
    assert windows(cohort).tolist() == [0, 0, -1, 1, 1, 2, 2]
    gap = rows([[1, 2, 5]], {}, [NAN], labels=[[1, 1, 1]])
    assert windows(gap).tolist() == [0, 0, 1]


def test_alerts_and_events_are_counted_by_patient_and_threshold() -> None:
    scores = [[0.1, 0.6, 0.9, 0.2, 0.1], [0.1, 0.7, 0.1]]
    cohort = silenced(rows([[1, 2, 3, 4, 5], [1, 2, 3]], {"s": scores}, [NAN, NAN], labels=[[0, 0, 1, 1, 0], [0, 0, 0]]), 1.0)
    found = counted(cohort, "s", np.array([0.5, 0.8]), windows(cohort))
    assert (found.raised.tolist(), found.right.tolist(), found.met.tolist()) == ([[2, 1], [1, 0]], [[1, 1], [0, 0]], [[1, 1], [0, 0]])


@pytest.mark.parametrize("score", ["model", "news2"])
def test_where_a_stay_has_one_event_both_ways_of_counting_agree(score: str) -> None:
    """By the label of the alert's row, and by the hours from alert to onset."""
    plain = many(80, seed=3)
    left = plain.onset[plain.patient] - plain.hour
    here = ~(left <= 0)
    cohort = rows(
        [plain.hour[here & (plain.patient == one)] for one in range(80)],
        {score: [plain.scores[score][here & (plain.patient == one)] for one in range(80)]},
        list(plain.onset),
        labels=[((left > 0) & (left <= 12))[here & (plain.patient == one)] * 1.0 for one in range(80)],
    )
    cohort = silenced(cohort, 12.0, 12.0)
    drawn = draws(80, 1, 20)
    for threshold in thresholds_of(cohort, score)[::7]:
        one = counted(cohort, score, np.array([threshold]), windows(cohort))
        two = outcome(cohort, alerts_of(cohort, score, float(threshold)), drawn)
        np.testing.assert_allclose(drawn.sums(one.met)[:, 0] / drawn.sums((~np.isnan(cohort.onset)).astype(float)), two.sensitivity)


def test_the_threshold_is_the_lowest_that_stays_within_the_burden_from_there_upwards() -> None:
    assert lowest_within(np.array([9.0, 4, 6, 3]), 4) == 3
    assert lowest_within(np.array([3.0, 2, 1]), 4) == 0
    assert lowest_within(np.array([9.0, 8]), 4) == 1, "the highest, where none stays within"


def test_a_score_that_knows_meets_more_at_no_more_alerts_and_beside_itself_nothing() -> None:
    cohort, drawn = silenced(many(200, seed=5), 12.0), draws(200, 1, 100)
    found = at_equal_alerts(cohort, "model", "news2", (7.0,), drawn)["7"]
    assert found["a_day_per_35_beds"]["model"] <= found["a_day_per_35_beds"]["news2"]
    assert found["events"] == cohort.events
    assert found["model_above"]["sensitivity_per_event"]["low"] > 0
    same = at_equal_alerts(cohort, "news2", "news2", (7.0,), drawn)["7"]["model_above"]["sensitivity_per_event"]
    assert same == {"value": 0.0, "low": 0.0, "high": 0.0, "excludes_zero": False}
