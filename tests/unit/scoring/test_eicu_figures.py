"""Two scores on the same rows: figures equal to the plain definitions, alerts counted by hand, and equality of burden in every resample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.evaluate import figures
from scoring.models.eicu_figures import Stay, alerting, at_equal_alerts, discrimination, drawn, lowest_within, raised_at, runs


def stay(person: int, labels: list[float], model: list[float], reference: list[float]) -> Stay:
    return Stay(
        person=person, hours=np.arange(1, len(labels) + 1), labels=np.array(labels), model=np.array(model), reference=np.array(reference)
    )


@settings(max_examples=50)
@given(
    rows=st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 4)), min_size=4, max_size=60).filter(
        lambda rows: len({label for label, _, _ in rows}) == 2
    )
)
def test_discrimination_is_that_of_the_plain_definition(rows: list[tuple[bool, int, int]]) -> None:
    labels, model, news2 = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    found = discrimination([stay(0, labels.tolist(), model.tolist(), news2.tolist())], drawn(1, 3, 4))
    assert found["auroc"]["model"] == pytest.approx(figures.auroc(labels, model), abs=1e-4)
    assert found["auprc"]["news2"] == pytest.approx(figures.average_precision(labels, news2), abs=1e-4)


def test_an_alert_stands_until_it_has_spoken_out_and_silence_raises_none() -> None:
    hours = np.arange(1, 31)
    scores = np.full(30, 9.0)
    scores[5] = np.nan
    assert raised_at(hours, scores, 5, 12).tolist() == [0, 12, 24]
    assert raised_at(hours, scores, 5, 1e9).tolist() == [0]
    assert raised_at(hours, np.full(30, np.nan), 5, 12).tolist() == []


def test_rows_that_are_masked_end_an_event() -> None:
    assert runs(np.array([1, 2, 3, 7, 8]), np.array([1.0, 1, 1, 1, 0])).tolist() == [0, 0, 0, 1, -1]


def test_alerts_and_events_are_counted_by_person_and_threshold() -> None:
    ill = stay(0, [0, 0, 1, 1, 0], [0.1, 0.6, 0.9, 0.2, 0.1], [0] * 5)
    well = stay(1, [0, 0, 0], [0.1, 0.7, 0.1], [0] * 3)
    found = alerting([ill, well], [ill.model, well.model], np.array([0.5, 0.8]), 2, quiet_h=1)
    assert found.raised.tolist() == [[2, 1], [1, 0]]
    assert found.right.tolist() == [[1, 1], [0, 0]]
    assert found.met.tolist() == [[1, 1], [0, 0]]


def test_the_threshold_is_the_lowest_that_stays_within_the_burden_from_there_upwards() -> None:
    assert lowest_within(np.array([9, 4, 6, 3]), 4) == 3
    assert lowest_within(np.array([3, 2, 1]), 4) == 0
    assert lowest_within(np.array([9, 8]), 4) == 1, "the highest, where none stays within"


def test_a_score_that_knows_meets_more_at_no_more_alerts_and_one_that_guesses_does_not() -> None:
    random = np.random.default_rng(5)
    stays = []
    for person in range(120):
        labels = np.zeros(48)
        if person % 4 == 0:
            labels[30:40] = 1
        knows = labels + random.normal(0, 0.2, 48)
        stays.append(
            Stay(person=person, hours=np.arange(1, 49), labels=labels, model=knows, reference=random.integers(0, 9, 48).astype(float))
        )
    draws = drawn(120, 1, 100)
    found = at_equal_alerts(stays, draws, (7.0,), 12)["7"]
    assert found["model_alerts_per_35_patient_days"] <= found["alerts_per_35_patient_days"]
    assert found["events"] == 30
    assert found["model"] >= 0.9
    assert found["difference_low"] > 0
    swapped = [Stay(person=one.person, hours=one.hours, labels=one.labels, model=one.reference, reference=one.reference) for one in stays]
    same = at_equal_alerts(swapped, draws, (7.0,), 12)["7"]
    assert (same["difference"], same["difference_low"], same["difference_high"]) == (0, 0, 0)


def test_the_first_draw_is_everybody_once_and_the_rest_come_from_the_seed() -> None:
    one, two = drawn(10, 4, 6), drawn(10, 4, 6)
    assert one[0].tolist() == [1] * 10
    assert (one == two).all()
    assert (one.sum(axis=1) == 10).all()
