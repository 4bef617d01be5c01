"""A score as it is stored, shown and decided upon, whatever made it."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

Mode = Literal["live", "shadow", "fallback"]
Why = Literal["not_finite", "out_of_range", "contradiction", "too_few", "too_old", "unlike_training"]


class Abstention(Struct, frozen=True, kw_only=True):
    """Why the model keeps silent about one patient: `reason` is a metric label, `detail` names the quantity and holds no patient."""

    reason: Why
    detail: str


class Finding(Struct, frozen=True, kw_only=True):
    """One finding that moved a score: canonical name, newest value with its unit, when it was taken, and the oldest value of the last 12 hours.

    `points`: what it added, where the score is a sum of points. `moved`: log odds it added, where the score is a model's and that was worked out.
    """

    name: str
    value: float | str
    unit: str
    observed_at: datetime
    was: float | str | None = None
    was_at: datetime | None = None
    points: int | None = None
    moved: float | None = None


class Score(Struct, frozen=True, kw_only=True):
    """One score of one patient after one message.

    `value`: None where inputs are missing; `at_least`: a lower bound that holds all the same. `as_of`: when its newest input was observed.
    `mode`: `fallback` is a published score that speaks while the model cannot. `score_id` names the message it was made after.
    `at`: the instant it speaks at: what was received by then was known. `refused`: inputs whose newest value cannot be true and was not counted.
    `abstained`: why a model that could have spoken gives no value. `moved`: log odds each quantity added, where that was worked out.
    """

    score_id: str
    patient_id: str
    encounter_id: str | None
    name: str
    version: str
    value: float | None
    at_least: float | None
    red: bool
    as_of: datetime
    scored_at: datetime
    mode: Mode
    parts: dict[str, float]
    missing: tuple[str, ...]
    findings: tuple[Finding, ...]
    at: datetime | None = None
    refused: tuple[str, ...] = ()
    abstained: Abstention | None = None
    moved: dict[str, float] | None = None
