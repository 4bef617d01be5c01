"""Figures of a score: against scikit-learn where it knows them, and by hand where it does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from scoring.evaluate.figures import (
    Judged,
    alerts_at,
    auroc,
    average_precision,
    calibration,
    hourly,
    interval,
    most_useful_threshold,
    threshold_for,
    utility_at,
)
from scoring.evaluate.utility import normalised

HOURS = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=60).filter(
    lambda hours: len({label for label, _ in hours}) == 2
)  # fmt: skip


@given(HOURS)
def test_discrimination_agrees_with_scikit_learn_ties_included(hours: list[tuple[bool, int]]) -> None:
    labels, scores = np.array([float(label) for label, _ in hours]), np.array([float(score) for _, score in hours])
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))
    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores))


def test_calibration_agrees_with_a_logistic_regression_on_the_logit() -> None:
    random = np.random.default_rng(7)
    truth = random.uniform(0.02, 0.6, 4000)
    labels = (random.uniform(size=4000) < truth).astype(np.float64)
    scores = np.clip(truth * 1.3, 0.01, 0.9)
    logit = np.log(scores / (1 - scores)).reshape(-1, 1)
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit(logit, labels)
    found = calibration(labels, scores)
    assert (found["slope"], found["intercept"]) == pytest.approx((peer.coef_[0, 0], peer.intercept_[0]), abs=1e-3)
    assert found["brier"] == pytest.approx(((scores - labels) ** 2).mean(), abs=1e-6)


def judged(labels: list[int], scores: list[float]) -> Judged:
    return Judged(np.array(labels, np.float64), np.array(scores, np.float64))


SEPTIC = judged([0] * 20 + [1] * 10, [0.1] * 18 + [0.9] * 12)
SILENT = judged([0] * 24, [0.1] * 23 + [0.2])
FALSE = judged([0] * 24, [np.nan, 0.8] + [0.1] * 22)


def test_alerts_are_counted_once_a_patient_at_the_first_hour() -> None:
    found = alerts_at([SEPTIC, SILENT, FALSE], 0.5)
    days = (30 + 24 + 24) / 24
    assert found["alerts_per_35_patient_days"] == pytest.approx(35 * 2 / days, abs=1e-3)
    assert (found["ppv"], found["sensitivity_per_event"], found["median_lead_h"]) == (0.5, 1.0, 8.0)


def test_an_alert_after_the_onset_meets_no_event() -> None:
    late = judged([0] * 20 + [1] * 10, [0.1] * 27 + [0.9] * 3)
    assert alerts_at([late], 0.5)["sensitivity_per_event"] == 0.0


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.floats(0, 60))
def test_a_budget_of_alerts_is_kept_even_where_scores_tie(highest: list[int], budget: float) -> None:
    patients = [judged([0] * 24, [0.0] * 23 + [float(one)]) for one in highest]
    threshold = threshold_for(patients, budget)
    assert alerts_at(patients, threshold)["alerts_per_35_patient_days"] <= budget + 1e-3
    lower = [one for one in highest if one < threshold]
    if lower:
        assert alerts_at(patients, max(lower))["alerts_per_35_patient_days"] > budget - 1e-3


def test_the_utility_of_a_threshold_is_the_challenges_figure() -> None:
    patients = [SEPTIC, SILENT, FALSE]
    alarms = [(np.nan_to_num(one.scores, nan=-1) >= 0.5).astype(int).tolist() for one in patients]
    assert utility_at(0.5)(patients) == pytest.approx(
        normalised([(one.labels.tolist(), on) for one, on in zip(patients, alarms, strict=True)])
    )


def test_an_interval_holds_its_figure_and_comes_out_the_same_for_the_same_seed() -> None:
    random = np.random.default_rng(3)
    patients = [judged([0] * 10 + [septic] * 5, random.uniform(size=15).tolist()) for septic in [0, 1] * 20]
    first = interval(patients, hourly(auroc), seed=5, resamples=50)
    assert first == interval(patients, hourly(auroc), seed=5, resamples=50)
    assert first["low"] <= first["value"] <= first["high"]


def test_the_most_useful_threshold_earns_at_least_what_any_other_earns() -> None:
    random = np.random.default_rng(3)
    cohort = []
    for index in range(40):
        labels = np.zeros(30)
        if index % 4 == 0:
            labels[int(random.integers(0, 25)) :] = 1.0
        scores = np.round(labels * 0.3 + random.uniform(size=30), 2)
        scores[random.uniform(size=30) < 0.1] = np.nan
        cohort.append(Judged(labels, scores))
    best = utility_at(most_useful_threshold(cohort))(cohort)
    assert best > 0
    assert all(best >= utility_at(float(threshold))(cohort) - 1e-9 for threshold in np.linspace(0, 1.3, 131))


def test_where_silence_is_best_no_threshold_alarms() -> None:
    assert most_useful_threshold([Judged(np.zeros(5), np.array([0.1, 0.9, np.nan, 0.4, 0.2]))]) == float("inf")
