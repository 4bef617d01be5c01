"""What is told again: a further rise, and what stays high for hours, where the policy says so."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from alerts.episode import Episode
from alerts.policy import Decision, decide
from alerts.policy_file import load
from alerts.rules import Tier
from scoring.score import Score

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = load(None, model_threshold=0.2).rules_for(None, NOON)


def score(value: float, minutes: float = 0) -> Score:
    return Score(
        score_id="t/0/1/x", patient_id="HOSP:1", encounter_id="V1", name="news2", version="1", value=value, at_least=value, red=False,
        as_of=NOON + timedelta(minutes=minutes), scored_at=NOON, mode="live", parts={}, missing=(), findings=(),
    )  # fmt: skip


def episode() -> Episode:
    return Episode(
        episode_id="ep-1", patient_id="HOSP:1", encounter_id="V1", tier="rapid_response", unit="4W", bed="1", opened_at=NOON, state="notified",
        reason="news2 8 threshold", score_id="t/0/0/news2", peak=8.0,
    )  # fmt: skip


def kinds(decisions: tuple[Decision, ...]) -> list[tuple[str, str, str]]:
    return [(one.kind, one.tier, one.reason) for one in decisions]


REMINDING = replace(RULES, rules=(replace(RULES.rules[0], remind_unanswered=timedelta(hours=6), remind_answered=timedelta(hours=10)),))


def hours_ago(number: float) -> datetime:
    return NOON - timedelta(hours=number)


@pytest.mark.parametrize(
    ("given", "value", "reason"),
    [
        ({"state": "notified", "resting": True, "told_at": hours_ago(6)}, 7, "unanswered"),
        ({"state": "notified", "resting": True, "told_at": hours_ago(5.9)}, 7, None),
        ({"state": "notified", "resting": True, "opened_at": hours_ago(6)}, 7, "unanswered"),
        ({"state": "notified", "resting": True, "told_at": hours_ago(6)}, 6, None),  # no longer as high, though not cleared
        ({"state": "notified", "resting": False, "told_at": hours_ago(6)}, 7, None),  # its escalation looks for somebody
        ({"state": "acknowledged", "told_at": hours_ago(30), "answered_at": hours_ago(10)}, 7, "still_high"),
        ({"state": "at_bedside", "told_at": hours_ago(30), "answered_at": hours_ago(9.9)}, 7, None),
        ({"state": "acknowledged", "answered_at": hours_ago(1)}, 11, "risen"),
        ({"state": "muted", "resting": False, "told_at": hours_ago(30)}, 7, None),
    ],
)
def test_what_stays_high_is_told_again_after_hours_where_the_policy_says_so(
    given: dict[str, object], value: float, reason: str | None
) -> None:
    opened: dict[Tier, Episode] = {"rapid_response": replace(episode(), **given)}
    found = [one.reason for one in decide(score(value), opened, REMINDING, NOON) if one.kind == "raise"]
    assert found == ([] if reason is None else [reason])
    if reason in ("unanswered", "still_high"):
        assert decide(score(value), opened, replace(REMINDING, rules=(replace(RULES.rules[0], remind_unanswered=None),)), NOON) == ()
        assert kinds(decide(score(value, minutes=-61), opened, REMINDING, NOON)) == [("suppress", "rapid_response", "stale")]


def test_as_vigil_comes_nothing_that_was_answered_is_told_again_but_by_a_rise() -> None:
    assert {rule.remind_answered for rule in RULES.rules} == {None}


@pytest.mark.parametrize(("value", "expected"), [(10, []), (11, [("raise", "rapid_response", "risen")])])
def test_once_nobody_is_looked_for_any_more_a_further_rise_tells_of_it_anew_though_nobody_has_answered(
    value: float, expected: list[tuple[str, str, str]]
) -> None:
    resting = replace(episode(), resting=True, told_at=hours_ago(1))
    assert kinds(decide(score(value), {"rapid_response": resting}, RULES, NOON)) == expected


def test_more_of_the_same_set_of_observations_is_the_same_news() -> None:
    just_told = replace(episode(), resting=True, told_at=NOON - timedelta(minutes=14))
    assert kinds(decide(score(12), {"rapid_response": just_told}, RULES, NOON)) == [("peak", "rapid_response", "higher")]
    told = replace(just_told, peak=12.0, told_at=NOON - timedelta(minutes=15))
    assert decide(score(14), {"rapid_response": told}, RULES, NOON) == ()
    assert kinds(decide(score(15), {"rapid_response": told}, RULES, NOON)) == [("raise", "rapid_response", "risen")]
