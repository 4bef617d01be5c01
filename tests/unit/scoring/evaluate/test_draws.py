"""Figures on many draws of patients at once are those that one would compute on each draw by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from scoring.evaluate.bootstrap import difference, draws, told
from scoring.evaluate.calibration import calibration
from scoring.evaluate.challenge import stakes, utility
from scoring.evaluate.decision_curve import decision_curve
from scoring.evaluate.discrimination import FEW, areas, curves
from scoring.evaluate.rows import Rows
from scoring.evaluate.utility import normalised
from tests.unit.scoring.evaluate.cohorts import many, rows

NAN = float("nan")


@pytest.mark.parametrize("score", ["model", "news2"])
def test_areas_on_each_draw_agree_with_scikit_learn(score: str) -> None:
    cohort = many(40, seed=3)
    assert (len(np.unique(cohort.scores[score])) > FEW) == (score == "model")
    drawn = draws(40, seed=9, resamples=20)
    auroc, precision = areas(cohort, score, drawn)
    for number, times in enumerate(drawn.times):
        weight = times[cohort.patient]
        known = (cohort.label, cohort.scores[score])
        assert auroc[number] == pytest.approx(roc_auc_score(*known, sample_weight=weight))
        assert precision[number] == pytest.approx(average_precision_score(*known, sample_weight=weight))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 80)), min_size=2, max_size=150), st.integers(0, 3))
def test_areas_hold_for_any_ties_and_silences(hours: list[tuple[bool, int]], silent: int) -> None:
    scores = [NAN if one < silent else float(one) for _, one in hours]
    cohort = rows([list(range(len(hours)))], {"s": [scores]}, [NAN], labels=[[float(label) for label, _ in hours]])
    auroc, precision = areas(cohort, "s", draws(1, 1, 0))
    if 0 < cohort.label.sum() < len(hours):
        heard = np.nan_to_num(cohort.scores["s"], nan=-1.0)
        assert auroc[0] == pytest.approx(roc_auc_score(cohort.label, heard))
        assert precision[0] == pytest.approx(average_precision_score(cohort.label, heard))
    else:
        assert np.isnan(auroc[0])


def test_rows_without_a_label_are_not_judged() -> None:
    cohort = many(30, seed=4)
    masked = cohort.only(cohort.hour > 10)
    kept = cohort.hour > 10
    assert areas(masked, "model", draws(30, 1, 0))[0][0] == pytest.approx(roc_auc_score(cohort.label[kept], cohort.scores["model"][kept]))


def test_a_curve_ends_where_it_must_and_rises() -> None:
    made = curves(many(60, seed=5), "model")
    assert made["roc"][0] == [0.0, 0.0] and made["roc"][-1] == [1.0, 1.0]
    assert np.all(np.diff(np.array(made["roc"]), axis=0) >= 0)
    assert made["pr"][-1][0] == 1.0
    assert max(len(made["roc"]), len(made["pr"])) <= 200


def test_calibration_and_its_one_step_intervals_agree_with_logistic_regressions_on_the_draws() -> None:
    cohort = many(150, seed=6)
    found = calibration(cohort, "model", draws(150, seed=2, resamples=200))
    probability = cohort.scores["model"]
    logit = np.log(probability / (1 - probability)).reshape(-1, 1)
    refitted = []
    for times in draws(150, seed=2, resamples=200).times[:60]:
        peer = LogisticRegression(C=np.inf, tol=1e-9).fit(logit, cohort.label, sample_weight=times[cohort.patient])
        refitted.append(peer.coef_[0, 0])
    assert found["slope"]["value"] == pytest.approx(refitted[0], abs=1e-3)
    spread = (found["slope"]["high"] - found["slope"]["low"]) / (2 * 1.96)
    assert spread == pytest.approx(np.std(refitted[1:]), rel=0.35)
    assert found["brier"]["value"] == pytest.approx(((probability - cohort.label) ** 2).mean(), abs=1e-6)
    assert sum(one["rows"] for one in found["curve"]) == len(cohort.label)


def test_the_calibration_error_is_the_bins_mean_distance() -> None:
    cohort = rows([[1, 2, 3, 4]], {"s": [[0.2, 0.2, 0.6, 0.6]]}, [NAN], labels=[[0, 1, 1, 1]])
    found = calibration(cohort, "s", draws(1, 1, 0))
    assert found["ece"]["value"] == pytest.approx((2 * abs(0.5 - 0.2) + 2 * abs(1.0 - 0.6)) / 4)
    assert found["in_the_large"]["value"] == pytest.approx(3 / 1.6, abs=1e-4)


def test_net_benefit_is_counted_as_vickers_does() -> None:
    cohort = rows([[1, 2, 3, 4]], {"s": [[0.9, 0.06, 0.01, 0.01]], "news2": [[NAN, 7, 2, 5]]}, [NAN], labels=[[1, 0, 1, 0]])
    found = next(one for one in decision_curve(cohort, "s", {"rule": ("news2", 5.0)}, draws(1, 1, 0)) if one["threshold"] == 0.05)
    odds = 0.05 / 0.95
    benefit = {name: one["value"] for name, one in found["net_benefit"].items()}
    assert benefit == pytest.approx({"s": (1 - odds) / 4, "rule": -2 * odds / 4, "act_on_all": (2 - 2 * odds) / 4}, abs=1e-6)


SEPTIC = [0.0] * 20 + [1.0] * 10
ALARMS = [SEPTIC, [0.0] * 24, [1.0] * 24]


def challenge() -> Rows:
    labels = [SEPTIC, [0.0] * 24, [0.0] * 24]
    return rows([list(range(len(one))) for one in labels], {"s": ALARMS}, [26, NAN, NAN], labels=labels)


def test_the_challenges_figure_of_its_small_cohort() -> None:
    cohort = challenge()
    assert utility(cohort, stakes(cohort), "s", 0.5, draws(3, 1, 0))[0] == pytest.approx(0.788571, abs=1e-6)


def test_the_utility_of_a_draw_is_that_of_the_patients_drawn() -> None:
    cohort, drawn = challenge(), draws(3, seed=1, resamples=30)
    labels = [SEPTIC, [0.0] * 24, [0.0] * 24]
    found = utility(cohort, stakes(cohort), "s", 0.5, drawn)
    for value, times in zip(found, drawn.times, strict=True):
        cast = [(labels[one], [int(alarm) for alarm in ALARMS[one]]) for one in range(3) for _ in range(int(times[one]))]
        if times[0]:
            assert value == pytest.approx(normalised(cast))
        else:
            assert np.isnan(value)


def test_the_same_seed_draws_the_same_and_a_persons_stays_together() -> None:
    person = np.array([0, 0, 1, 2, 2, 2])
    one, other = (draws(6, seed=8, resamples=50, person=person) for _ in range(2))
    np.testing.assert_array_equal(one.times, other.times)
    for stays in ([0, 1], [3, 4, 5]):
        assert (one.times[:, stays] == one.times[:, stays[:1]]).all()
    assert not np.array_equal(one.times, draws(6, seed=9, resamples=50, person=person).times)


def test_an_interval_is_told_only_where_nearly_every_draw_has_the_figure() -> None:
    assert told(np.array([0.5, *np.linspace(0, 1, 101)])) == {"value": 0.5, "low": 0.025, "high": 0.975}
    assert told(np.array([0.5, *([0.4] * 8), NAN, NAN])) == {"value": 0.5, "low": None, "high": None}
    assert told(np.array([NAN, 0.4, 0.5])) == {"value": None, "low": None, "high": None}


@pytest.mark.parametrize(("shift", "sure"), [(0.0, False), (3.0, True), (-3.0, True)])
def test_a_paired_difference_says_whether_it_leaves_out_zero(shift: float, sure: bool) -> None:
    random = np.random.default_rng(1)
    base = random.normal(size=400)
    assert difference(base + shift + random.normal(scale=0.5, size=400), base)["excludes_zero"] is sure


def test_intervals_are_wider_by_patient_than_by_row() -> None:
    """Thirty hours of one patient are not thirty patients: whoever drew rows would be surer than the data allows."""
    cohort = many(60, seed=7)
    alone = rows(
        [[hour] for hour in cohort.hour],
        {"model": [[one] for one in cohort.scores["model"]]},
        [NAN] * len(cohort.hour),
        labels=[[one] for one in cohort.label],
    )
    by_patient, by_row = (told(areas(one, "model", draws(one.patients, 1, 200))[0]) for one in (cohort, alone))
    assert by_patient["value"] == by_row["value"]
    assert by_patient["high"] - by_patient["low"] > 1.3 * (by_row["high"] - by_row["low"])
