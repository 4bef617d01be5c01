"""What one score means for one patient's episodes: raise, hold, clear, or nothing, each with its reason. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, Literal

from msgspec import Struct

from alerts.episode import Episode
from alerts.rules import RANK, Exclusion, Rule, Rules, Tier
from scoring.score import Score

Kind = Literal["raise", "suppress", "clear", "clearing", "hold"]
Reason = Literal[
    "threshold", "red", "stale", "left", "shadow", "excluded", "muted", "higher_tier_open", "already_open", "below_clear", "dwelling", "above_clear",
]  # fmt: skip


class Decision(Struct, frozen=True, kw_only=True):
    """What to do about one tier. `clearing` marks since when an open episode has been below its clearing threshold; `hold` ends that.

    `detail`: which exclusion, or whose mute.
    """

    kind: Kind
    tier: Tier
    reason: Reason
    detail: str = ""


class Circumstances(Struct, frozen=True, kw_only=True):
    """What exclusions ask about a patient; None where nobody said."""

    unit: str | None = None
    patient_class: str | None = None
    birth_date: date | None = None


NOTHING: Final[tuple[Decision, ...]] = ()


def decide(
    score: Score,
    open_episodes: Mapping[Tier, Episode],
    rules: Rules,
    now: datetime,
    *,
    in_hospital: bool = True,
    circumstances: Circumstances | None = None,
) -> tuple[Decision, ...]:
    """The decisions one score asks for, the highest tier first; at most one raise.

    `open_episodes`: the patient's, by tier. A known lower bound raises as the score itself would (`at_least`); only a complete score clears,
    because what is missing may be what is wrong. A score about a window that is past raises and clears nothing.
    """
    decisions: list[Decision] = []
    highest = max((RANK[tier] for tier in open_episodes), default=-1)
    raised = False
    for rule in rules.rules:
        if rule.score != score.name:
            continue
        why = _reaches(rule, score)
        if rule.tier in open_episodes:
            decisions.extend(_about_open(rule, score, open_episodes[rule.tier], rules, now))
        elif why is not None and not raised:
            excluded = exclusion(rules.exclude, score.name, circumstances, now)
            decision = _raise(rule, why, score, rules, now, highest=highest, in_hospital=in_hospital, excluded=excluded)
            decisions.append(decision)
        raised = raised or why is not None
    return tuple(decisions)


def exclusion(rules: Sequence[Exclusion], score: str, circumstances: Circumstances | None, now: datetime) -> str:
    """Why the policy keeps quiet about such a patient; empty where it does not.

    >>> children = Exclusion(reason="paediatric", below_age_years=16)
    >>> noon = datetime.fromisoformat("2026-03-01T12:00+00:00")
    >>> [exclusion([children], "news2", Circumstances(birth_date=born), noon) for born in (date(2010, 3, 2), date(2010, 3, 1), None)]
    ['paediatric', '', '']
    """
    if circumstances is None:
        return ""
    return next((one.reason for one in rules if (not one.scores or score in one.scores) and _holds(one, circumstances, now)), "")


def _holds(rule: Exclusion, circumstances: Circumstances, now: datetime) -> bool:
    if rule.units and circumstances.unit not in rule.units:
        return False
    if rule.classes and circumstances.patient_class not in rule.classes:
        return False
    if rule.below_age_years is None:
        return True
    born = circumstances.birth_date
    return born is not None and now.year - born.year - ((now.month, now.day) < (born.month, born.day)) < rule.below_age_years


def _reaches(rule: Rule, score: Score) -> Reason | None:
    if rule.raise_at is not None and score.at_least is not None and score.at_least >= rule.raise_at:
        return "threshold"
    return "red" if rule.red and score.red else None


def _raise(
    rule: Rule, why: Reason, score: Score, rules: Rules, now: datetime, *, highest: int, in_hospital: bool, excluded: str
) -> Decision:
    """Raise, or say why not; what is suppressed is recorded all the same."""
    against: Sequence[tuple[bool, Reason]] = (
        (score.mode == "shadow", "shadow"),
        (not in_hospital, "left"),
        (bool(excluded), "excluded"),
        (now - score.as_of > rules.max_age, "stale"),
        (highest > RANK[rule.tier], "higher_tier_open"),
    )
    for holds, reason in against:
        if holds:
            return Decision(kind="suppress", tier=rule.tier, reason=reason, detail=excluded if reason == "excluded" else "")
    return Decision(kind="raise", tier=rule.tier, reason=why)


def _about_open(rule: Rule, score: Score, episode: Episode, rules: Rules, now: datetime) -> list[Decision]:
    """An open episode is cleared by the score that raised it, once that has stayed low for the dwell."""
    if episode.reason.partition(" ")[0] != score.name or score.value is None or score.mode == "shadow" or now - score.as_of > rules.max_age:
        return []
    if score.value >= rule.clear_below or (rule.red and score.red):
        return [Decision(kind="hold", tier=rule.tier, reason="above_clear")] if episode.clearing_since else []
    if episode.clearing_since is None and rule.dwell.total_seconds() > 0:
        return [Decision(kind="clearing", tier=rule.tier, reason="dwelling")]
    since = episode.clearing_since or score.as_of
    if score.as_of - since >= rule.dwell:
        return [Decision(kind="clear", tier=rule.tier, reason="below_clear")]
    return []
