"""Scores at the bedside: NEWS2 after each message that touches it, the model for the whole batch at once, NEWS2 alone when the model is away."""

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest

from scoring.bedside import Bedside
from scoring.guard_fit import fit_guard
from scoring.guards import Guard
from scoring.published.news2 import VERSION
from scoring.score import Score
from scoring.voice import ModelUnavailable, Voice
from streams.features import FEATURES, features
from tests.hl7 import SICK, WELL, adt, oru
from tests.moments import NOON, moments


class Fixed:
    """A model that gives everyone the same risk and remembers the shapes it was asked for; `away` names why it does not speak."""

    name, version = "deterioration", "fixed-1"

    def __init__(self, away: str | None = None) -> None:
        self.away = away
        self.asked: list[tuple[int, ...]] = []

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self.asked.append(matrix.shape)
        if self.away:
            raise ModelUnavailable(self.away)
        return np.full(len(matrix), 0.25, np.float32)


def scored(model: Fixed, *messages: bytes) -> tuple[list[Score], list[str]]:
    told: list[str] = []
    return Bedside(model, told.append).score(moments(*messages), NOON + timedelta(hours=1)), told


def test_one_message_gives_both_scores_named_after_it() -> None:
    scores, told = scored(Fixed(), oru("1", NOON, SICK))
    news2, risk = scores
    assert (news2.score_id, news2.value, news2.red, news2.mode, news2.missing) == ("hl7.oru/3/0/news2", 13.0, True, "live", ())
    assert (risk.score_id, risk.value, risk.version) == ("hl7.oru/3/0/deterioration", 0.25, "fixed-1")
    assert {score.as_of for score in scores} == {NOON}
    assert told == []


def test_a_batch_asks_the_model_once() -> None:
    model = Fixed()
    scores, _ = scored(
        model, oru("1", NOON, SICK), adt("A08", "1", NOON), oru("2", NOON, WELL), oru("1", NOON + timedelta(minutes=5), WELL)
    )
    assert model.asked == [(3, len(FEATURES))]
    assert [score.name for score in scores] == ["news2", "deterioration"] * 3


def test_batching_changes_no_score() -> None:
    messages = [oru("1", NOON, SICK), oru("1", NOON + timedelta(minutes=5), {"sbp": 84}), oru("2", NOON, WELL)]
    together, _ = scored(Fixed(), *messages)
    whole = moments(*messages)
    apart = [score for one in whole for score in Bedside(Fixed(), lambda _: None).score([one], NOON + timedelta(hours=1))]
    assert together == apart


def test_news2_decides_visibly_when_the_model_is_away() -> None:
    scores, told = scored(Fixed(away="timeout"), oru("1", NOON, SICK), oru("2", NOON, WELL))
    assert [(score.name, score.mode) for score in scores] == [("news2", "fallback")] * 2
    assert told == ["timeout"]


def test_what_touches_no_input_makes_no_score() -> None:
    model = Fixed()
    scores, _ = scored(model, adt("A01", "1", NOON))
    assert (scores, model.asked) == ([], [])


def test_a_lab_asks_the_model_and_leaves_news2_alone() -> None:
    scores, _ = scored(Fixed(), oru("1", NOON, {"lactate": 4.2}))
    assert [score.name for score in scores] == ["deterioration"]


def test_missing_observations_are_listed_and_bound_the_score_from_below() -> None:
    [news2, _] = scored(Fixed(), oru("1", NOON, {"rr": 27, "sbp": 88}))[0]
    assert (news2.value, news2.at_least) == (None, 6.0)
    assert set(news2.missing) == {"spo2_pct", "on_oxygen", "hr_per_min", "consciousness", "temp_c"}


def test_findings_name_what_scored_with_its_trend() -> None:
    earlier, later = oru("1", NOON - timedelta(hours=4), WELL), oru("1", NOON, WELL | {"hr": 128})
    scores, _ = scored(Fixed(), earlier, later)
    [finding] = scores[-2].findings
    assert (finding.name, finding.value, finding.was, finding.points) == ("heart_rate", 128.0, 72.0, 2)
    assert scores[-1].findings[0].name == "heart_rate"


def test_children_get_no_adult_score() -> None:
    child = oru("1", NOON, WELL).replace(b"19560321", b"20200101")
    assert [score.name for score in scored(Fixed(), child)[0]] == ["deterioration"]


@pytest.fixture(scope="module")
def guard() -> Guard:
    """Of validation patients who lie around a well and a sick person."""
    random = np.random.default_rng(1)
    two = moments(oru("1", NOON, WELL), oru("2", NOON, SICK))
    rows = np.stack([features(moment.patient, moment.received_at) for moment in two])[random.integers(0, 2, 4000)]
    return Guard(fit_guard((rows * random.normal(1, 0.02, size=(4000, 1))).astype(np.float32)))


def guarded(guard: Guard, *messages: bytes) -> tuple[list[Score], list[str]]:
    told: list[str] = []
    voice = Voice(model=Fixed(), guard=guard)
    bedside = Bedside(voice, told.append, on_abstained=lambda one: told.append(one.reason))
    return bedside.score(moments(*messages), NOON + timedelta(hours=1)), told


def test_where_the_model_abstains_the_published_score_speaks_and_says_so(guard: Guard) -> None:
    scores, told = guarded(guard, oru("1", NOON, WELL), oru("2", NOON, {"lactate": 44.0}), oru("3", NOON, WELL | {"hr": 250}))
    assert [(one.name, one.mode, one.value) for one in scores if one.name == "news2"] == [
        ("news2", "live", 0.0),
        ("news2", "fallback", 3.0),
    ]
    risks = [one for one in scores if one.name == "deterioration"]
    assert [one.value for one in risks] == [0.25, None, None]
    assert [one.abstained.reason if one.abstained else None for one in risks] == [None, "too_few", "unlike_training"]
    assert told == ["too_few", "unlike_training"]
    assert [one.at_least for one in risks[1:]] == [None, None]


def test_an_abstention_asks_the_model_nothing(guard: Guard) -> None:
    model = Fixed()
    Bedside(Voice(model=model, guard=guard), lambda _: None).score(moments(oru("2", NOON, {"lactate": 3.0})), NOON)
    assert model.asked == []


def test_a_shadow_scores_beside_the_live_model_and_replaces_nothing() -> None:
    shadow = Fixed()
    shadow.version = "shadow-2"
    found = Bedside(Fixed(), lambda _: None, shadows=[Voice(model=shadow)]).score(moments(oru("1", NOON, SICK)), NOON)
    assert [(one.score_id.rsplit("/", 1)[1], one.mode, one.version) for one in found] == [
        ("news2", "live", VERSION), ("deterioration", "live", "fixed-1"), ("deterioration@shadow-2", "shadow", "shadow-2"),
    ]  # fmt: skip


def test_a_shadow_that_is_away_is_no_fallback() -> None:
    told: list[str] = []
    found = Bedside(Fixed(), told.append, shadows=[Voice(model=Fixed(away="timeout"))]).score(moments(oru("1", NOON, SICK)), NOON)
    assert [one.mode for one in found] == ["live", "live"]
    assert told == []


def test_without_any_live_model_news2_speaks_alone() -> None:
    told: list[str] = []
    [news2] = Bedside(None, told.append).score(moments(oru("1", NOON, SICK)), NOON)
    assert (news2.mode, told) == ("fallback", ["none_live"])
