"""Alerts: when they come, what they meet and how early, what they cost, and that the simple rule is the alert policy's own."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules import Rule, Rules
from infra.main.deployed import raised
from scoring.evaluate.alerting import alerts_of, described, outcome, threshold_within
from scoring.evaluate.bootstrap import draws
from scoring.evaluate.budget import at_alerts_of, at_budget
from scoring.evaluate.deployed import Stay
from scoring.evaluate.manner import ONCE, QUIET_H
from scoring.score import Score
from tests.unit.scoring.evaluate.cohorts import many, rows

NAN = float("nan")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0, 9, 9, 9, 0, 0, 0, 9], [1, 7]),
        ([0, 9, 0, 0, 9], [1]),  # below for one hour only, from its first low reading to its last
        ([0, 9, 0, 0, 0, 9], [1, 5]),
        ([9, NAN, NAN, NAN, 9], [0]),  # silence is not below
        ([9, 0, NAN, 0, 9], [0, 4]),
        ([NAN, NAN, 0], []),
        ([9], [0]),
    ],
)
def test_an_alert_comes_again_only_after_two_hours_below(scores: list[float], expected: list[int]) -> None:
    cohort = rows([list(range(len(scores)))], {"s": [scores]}, [NAN])
    assert alerts_of(cohort, "s", 5.0).tolist() == expected


def test_what_one_patient_did_quiets_no_other() -> None:
    cohort = rows([[0, 1], [0, 1]], {"s": [[0, 9], [9, 9]]}, [NAN, NAN])
    assert alerts_of(cohort, "s", 5.0).tolist() == [1, 2]


@given(st.lists(st.one_of(st.none(), st.integers(0, 10)), min_size=1, max_size=60), st.integers(1, 10))
def test_the_rule_is_the_alert_policys_own(values: list[int | None], threshold: int) -> None:
    scores = [NAN if one is None else float(one) for one in values]
    cohort = rows([list(range(len(scores)))], {"s": [scores]}, [NAN])
    rule = Rule(tier="urgent", score="s", raise_at=threshold, red=False, clear_below=threshold, dwell=timedelta(hours=QUIET_H))
    rules = Rules(version="test", max_age=timedelta(hours=1), rules=(rule,))
    assert alerts_of(cohort, "s", float(threshold)).tolist() == [one.row for one in raised(rules, stay("s", scores))]


def stay(name: str, scores: list[float]) -> Stay:
    moments = []
    for hour, value in enumerate(scores):
        at = NOON + timedelta(hours=hour)
        moments.append((at, [] if np.isnan(value) else [score(name, value, at)]))
    return Stay(birth_date=None, unit=None, moments=moments)


def score(name: str, value: float, at: datetime) -> Score:
    return Score(
        score_id=f"{at}/{name}", patient_id="p", encounter_id=None, name=name, version="1", value=value, at_least=value, red=False, as_of=at, scored_at=at,
        mode="live", parts={}, missing=(), findings=(), at=at,
    )  # fmt: skip


# onset at 60: an alert at 0 is too early (60 h), at 20 right (40 h), at 60 right (0 h), at 61 late
@pytest.mark.parametrize(
    ("alerted", "ppv", "sensitivity", "lead", "late"),
    [
        ([0], 0.0, 0.0, [], 0),
        ([20], 1.0, 1.0, [40.0], 0),
        ([0, 20, 50], 2 / 3, 1.0, [40.0], 0),
        ([60], 1.0, 1.0, [0.0], 0),
        ([61], None, 0.0, [], 1),
    ],
)
def test_what_an_alert_meets(alerted: list[int], ppv: float | None, sensitivity: float, lead: list[float], late: int) -> None:
    cohort = rows([list(range(72))], {}, [60.0])
    drawn = draws(1, 1, 0)
    found = outcome(cohort, np.array(alerted), drawn)
    told = described(found, drawn)
    assert told["ppv"]["value"] == (None if ppv is None else pytest.approx(ppv, abs=1e-4))
    assert (told["sensitivity_per_event"]["value"], found.lead_h.tolist(), found.after_onset) == (sensitivity, lead, late)
    assert told["per_100_patient_days"]["value"] == pytest.approx(100 * len(alerted) / 3, abs=0.01)
    assert sum(told["lead_h"]["by_hour"]) == len(lead)


def test_an_event_that_nobody_met_counts_against_the_sensitivity() -> None:
    cohort = rows([list(range(30))] * 3, {}, [20.0, 25.0, NAN])
    found = described(outcome(cohort, np.array([10, 70]), draws(3, 1, 0)), draws(3, 1, 0))
    assert (found["sensitivity_per_event"]["value"], found["ppv"]["value"], found["lead_h"]["median"]["value"]) == (0.5, 0.5, 10.0)


def test_quartiles_of_the_lead_are_those_of_numpy() -> None:
    cohort = rows([list(range(50))] * 9, {}, [49.0] * 9)
    alerts = np.array([number * 50 + number * 5 for number in range(1, 9)])
    found = described(outcome(cohort, alerts, draws(9, 1, 0)), draws(9, 1, 0))["lead_h"]
    leads = [49 - number * 5 for number in range(1, 9)]
    method = "averaged_inverted_cdf"
    assert [found[name]["value"] for name in ("q1", "median", "q3")] == pytest.approx(
        np.quantile(leads, [0.25, 0.5, 0.75], method=method).tolist()
    )


@given(st.integers(0, 30), st.floats(0, 2), st.sampled_from(["model", "news2"]))
def test_a_threshold_keeps_within_its_budget(seed: int, per_day: float, name: str) -> None:
    cohort = many(12, seed)
    threshold = threshold_within(cohort, name, per_day)
    assert len(alerts_of(cohort, name, threshold)) <= per_day * cohort.watched_h.sum() / 24 + 1e-9


def test_scores_are_compared_at_no_more_alerts_than_the_rule_raises() -> None:
    cohort, drawn = many(200, seed=2), draws(200, 1, 100)
    for one in at_alerts_of(cohort, "model", {"NEWS2 ≥ 7": ("news2", 7.0)}, drawn).values():
        for manner in one.values():
            assert manner["scores"]["model"]["alerts"] <= manner["scores"]["news2"]["alerts"]
            assert manner["model_above"]["news2"]["sensitivity_per_event"]["excludes_zero"] is not None
    budget = at_budget(cohort, "model", ["news2", "qsofa"], drawn)
    for manner in ("repeated", "once_a_stay"):
        assert all(one["a_day_per_35_beds"]["value"] <= 1.0 for one in budget[manner]["scores"].values())


def test_once_a_stay_alerts_a_patient_once() -> None:
    cohort = many(50, seed=3)
    alerts = alerts_of(cohort, "news2", 5.0, ONCE)
    assert len(np.unique(cohort.patient[alerts])) == len(alerts)


def test_the_deployed_policy_pages_a_tier_once_until_its_score_has_cleared() -> None:
    rule = Rule(tier="urgent", score="news2", raise_at=5, red=False, clear_below=4, dwell=timedelta(minutes=30))
    rapid = Rule(tier="rapid_response", score="news2", raise_at=7, red=False, clear_below=5, dwell=timedelta(minutes=30))
    rules = Rules(version="test", max_age=timedelta(hours=1), rules=(rapid, rule))
    found = [(one.row, one.tier) for one in raised(rules, stay("news2", [2, 5, 8, 8, 1, 1, 6]))]
    assert found == [(1, "urgent"), (2, "rapid_response"), (6, "urgent")]


def test_an_alert_that_nobody_can_judge_is_neither_right_nor_false() -> None:
    cohort = rows([list(range(30))], {}, [NAN], labels=[[NAN] * 10 + [0.0] * 20])
    found = described(outcome(cohort, np.array([5, 15]), draws(1, 1, 0)), draws(1, 1, 0))
    assert (found["alerts"], found["ppv"]["value"]) == (2, 0.0)
    found = described(outcome(cohort, np.array([5]), draws(1, 1, 0)), draws(1, 1, 0))
    assert (found["alerts"], found["ppv"]["value"]) == (1, None)
