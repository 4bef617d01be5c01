"""Scores at the bedside: NEWS2 after each message that touches it, the model for the whole batch at once, NEWS2 alone when the model is away."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from scoring.bedside import Bedside, ModelUnavailable
from scoring.score import Score
from streams.features import FEATURES
from streams.processing import Moment, process, read_record
from streams.record import Record, Source
from tests.hl7 import SICK, WELL, adt, oru

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


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


def moments(*messages: bytes) -> Sequence[Moment]:
    """The messages received a minute apart, the first ten minutes after noon."""
    records = [
        Record(source=Source(topic="hl7.oru", partition=3, offset=number), value=message, received_at=NOON + timedelta(minutes=10 + number))
        for number, message in enumerate(messages)
    ]  # fmt: skip
    return process([read_record(record) for record in records], {}, {}, set()).moments


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
