"""Subgroups, and what came before the clinicians knew."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scoring.evaluate.alerting import alerts_of
from scoring.evaluate.bootstrap import draws
from scoring.evaluate.recognition import alerts_in_time, before, before_onset, before_signs
from scoring.evaluate.subgroups import UNKNOWN, subgroups
from tests.unit.scoring.evaluate.cohorts import many, rows

NAN = float("nan")


def test_a_subgroups_figure_is_that_of_its_rows_alone() -> None:
    cohort, drawn = many(120, seed=1), draws(120, 1, 100)
    found = {one["group"]: one for one in subgroups(cohort, "model", "news2", alerts_of(cohort, "model", 0.3), drawn)["sex"]}
    for name, one in found.items():
        here = cohort.groups["sex"] == name
        assert one["auroc"]["model"]["value"] == pytest.approx(roc_auc_score(cohort.label[here], cohort.scores["model"][here]), abs=1e-4)
        assert one["observed_over_expected"]["value"] == pytest.approx(
            cohort.label[here].sum() / cohort.scores["model"][here].sum(), abs=1e-3
        )
    assert sum(one["patients"] for one in found.values()) == 120
    assert sum(one["events"] for one in found.values()) == cohort.events


def test_a_group_that_is_served_worse_stands_out() -> None:
    cohort, drawn = many(300, seed=2), draws(300, 1, 200)
    women = cohort.groups["sex"] == "female"
    cohort.scores["model"][women] = np.random.default_rng(1).uniform(0.01, 0.5, women.sum())
    found = {
        one["group"]: one["auroc_above_all"] for one in subgroups(cohort, "model", "news2", alerts_of(cohort, "model", 0.3), drawn)["sex"]
    }
    assert (found["female"]["high"] < 0, found["female"]["excludes_zero"], found["male"]["low"] > 0) == (True, True, True)


def test_where_nothing_is_known_there_is_one_group_and_no_figure() -> None:
    cohort = many(30, seed=3)
    [only] = subgroups(cohort, "model", "news2", alerts_of(cohort, "model", 0.3), draws(30, 1, 20))["ethnicity"]
    assert (only["group"], only["patients"], "auroc" in only) == (UNKNOWN, 30, False)


def test_a_group_of_few_events_has_its_numbers_and_no_figure() -> None:
    hours = [list(range(24))] * 30
    cohort = rows(
        hours, {"model": [[0.1] * 24] * 30, "news2": [[1.0] * 24] * 30}, [20.0] * 9 + [NAN] * 21, groups={"unit": ["A"] * 20 + ["B"] * 10}
    )
    found = subgroups(cohort, "model", "news2", np.empty(0, np.int64), draws(30, 1, 20))["unit"]
    assert [(one["group"], one["events"], one.get("too_few"), "auroc" in one) for one in found] == [
        ("A", 9, True, False),
        ("B", 0, True, False),
    ]


def test_an_event_belongs_to_the_group_of_its_hour() -> None:
    """Hours in the unit change under a patient: the event at hour 20 falls into the second band, the one at hour 3 into the first."""
    cohort = rows([list(range(1, 31))] * 2, {"model": [[0.1] * 30] * 2, "news2": [[1.0] * 30] * 2}, [20.0, 3.0])
    cohort.groups["hours in unit"] = np.where(cohort.hour <= 6, "first 6 hours", "hours 7 to 24")
    found = subgroups(cohort, "model", "news2", np.empty(0, np.int64), draws(2, 1, 5))["hours in unit"]
    assert [(one["group"], one["events"]) for one in found] == [("first 6 hours", 1), ("hours 7 to 24", 1)]


@pytest.mark.parametrize(
    ("ahead", "gone_from", "positive"), [(0.0, 20, range(8, 20)), (3.0, 17, range(5, 17)), (6.0, 14, range(2, 14)), (12.0, 8, range(8))]
)
def test_what_came_after_the_cut_is_gone_and_the_hours_before_it_are_positive(ahead: float, gone_from: int, positive: range) -> None:
    cohort = before(rows([list(range(30))], {}, [20.0]), ahead)
    assert np.flatnonzero(np.isnan(cohort.label)).tolist() == list(range(gone_from, 30))
    assert np.flatnonzero(cohort.label == 1).tolist() == list(positive)


def test_a_score_that_only_echoes_the_clinicians_is_worth_nothing_before_them() -> None:
    """It jumps when the event is there: over all hours it ranks well, before the onset it says nothing."""
    cohort = many(90, seed=4)
    begun = cohort.onset[cohort.patient]
    cohort.scores["model"][:] = np.where(cohort.hour >= begun, 0.9, 0.1)
    found = before_onset(cohort, ["model", "news2"], draws(90, 1, 50))
    assert [one["auroc"]["model"]["value"] for one in found] == [0.5] * 4
    assert all(one["auroc"]["news2"]["value"] > 0.55 for one in found[:2])


def test_alerts_in_time_are_asked_only_of_events_that_left_time() -> None:
    cohort = rows([list(range(30)), list(range(30))], {}, [20.0, 4.0])
    alerts = np.array([10, 30 + 2])  # 10 hours and 2 hours before
    found = [
        (one["hours_before_onset"], one["events"], one["sensitivity_per_event"]["value"])
        for one in alerts_in_time(cohort, alerts, draws(2, 1, 0))
    ]
    assert found == [(0.0, 2, 1.0), (3.0, 2, 0.5), (6.0, 1, 1.0), (12.0, 1, 0.0)]


def test_an_alert_after_the_sign_meets_no_event_before_it() -> None:
    cohort = many(60, seed=5)
    whole = alerts_of(cohort, "model", 0.3)
    found = before_signs(cohort, ["model", "news2"], whole, draws(60, 1, 20))["first lactate"]
    sign = cohort.recognised["first lactate"][cohort.patient]
    assert found["rows"] == int((np.isnan(sign) | (cohort.hour < sign)).sum())
    assert found["events_with_the_sign_before_onset"] == cohort.events
    early = [one for one in whole if cohort.hour[one] < sign[one] and 0 <= cohort.onset[cohort.patient[one]] - cohort.hour[one] <= 48]
    assert found["sensitivity_per_event"]["value"] == pytest.approx(len(np.unique(cohort.patient[early])) / cohort.events, abs=1e-4)
