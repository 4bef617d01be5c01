"""What the deployed policy would have done: each stay's scores as the bedside would have made them, handed to whoever decides.

The policy lives in `alerts`, which scoring may not know: the roof passes it in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from scoring.evaluate.alerting import described, outcome
from scoring.evaluate.bootstrap import Draws
from scoring.evaluate.course import Course
from scoring.evaluate.rows import Floats, Ints, Rows
from scoring.models.metadata import Metadata
from scoring.published.news2 import VERSION
from scoring.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One stay as the policy sees it: at each row the scores that were made then, in the order the bedside makes them."""

    birth_date: date | None
    unit: str | None
    moments: Sequence[tuple[datetime, Sequence[Score]]]


class Raised(NamedTuple):
    """An episode that was opened: at which row of the stay, in which tier, by which score."""

    row: int
    tier: str
    score: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who decides. `version`: of the policy's file; `says`: each rule in words; `raised`: what it would have raised in a stay."""

    version: str
    says: Sequence[str]
    raised: Callable[[Stay], Sequence[Raised]]


def stay_of(one: Course, spoken: Floats, model: Metadata) -> Stay:
    """NEWS2 after each row that brought one of its inputs and the model after each that brought anything, as the bedside does."""
    moments = []
    for row, hour in enumerate(one.hour):
        at = one.began + timedelta(hours=float(hour))
        scores = []
        news2 = one.published[row]
        if one.news2_changed[row] and not np.isnan(news2.news2):
            value = news2.news2 if news2.complete else None
            scores.append(_score(one, row, at, "news2", VERSION, value, news2.news2, red=news2.red, age_h=news2.age_h))
        if one.changed[row] and not np.isnan(spoken[row]):
            risk = float(spoken[row])
            scores.append(_score(one, row, at, model.name, model.version, risk, risk, red=False, age_h=float(one.newest_h[row])))
        moments.append((at, scores))
    return Stay(birth_date=one.birth_date, unit=one.unit or None, moments=moments)


def _score(
    one: Course, row: int, at: datetime, name: str, version: str, value: float | None, at_least: float, *, red: bool, age_h: float
) -> Score:
    return Score(
        score_id=f"{row}/{name}", patient_id=one.patient_id, encounter_id=one.patient_id, name=name, version=version, value=value, at_least=at_least,
        red=red, as_of=at - timedelta(hours=age_h), scored_at=at, mode="live", parts={}, missing=(), findings=(), at=at,
    )  # fmt: skip


def raised_by(policy: Policy, stays: Sequence[Course], spoken: Sequence[Floats], model: Metadata) -> list[tuple[int, Raised]]:
    """Everything the policy would have raised, with its row among all stays' rows."""
    found: list[tuple[int, Raised]] = []
    offset = 0
    for one, said in zip(stays, spoken, strict=True):
        found.extend((offset + raised.row, raised) for raised in policy.raised(stay_of(one, said, model)))
        offset += len(one.hour)
    return found


def judged(policy: Policy, rows: Rows, found: Sequence[tuple[int, Raised]], draws: Draws) -> dict[str, Any]:
    """The figures of all that was raised, of each tier, and of what each score raised; each episode is one alert."""

    def told(chosen: Sequence[int]) -> dict[str, Any]:
        alerts: Ints = np.array(sorted(chosen), np.int64)
        return described(outcome(rows, alerts, draws), draws)

    tiers = sorted({raised.tier for _, raised in found})
    scores = sorted({raised.score for _, raised in found})
    return {
        "version": policy.version,
        "says": list(policy.says),
        "all": told([row for row, _ in found]),
        "by_tier": {tier: told([row for row, raised in found if raised.tier == tier]) for tier in tiers},
        "by_score": {score: told([row for row, raised in found if raised.score == score]) for score in scores},
    }
