"""What one score means for one patient's episodes: raise, hold, clear, or nothing, each with its reason. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from alerts.episode import Episode
from alerts.rules import RANK, Rule, Rules, Tier
from scoring.score import Score

Kind = Literal["raise", "suppress", "clear", "clearing", "hold"]
Reason = Literal[
    "threshold", "red", "stale", "left", "shadow", "higher_tier_open", "already_open", "below_clear", "dwelling", "above_clear",
]  # fmt: skip


class Decision(Struct, frozen=True, kw_only=True):
    """What to do about one tier. `clearing` marks since when an open episode has been below its clearing threshold; `hold` ends that."""

    kind: Kind
    tier: Tier
    reason: Reason


NOTHING: Final[tuple[Decision, ...]] = ()


def decide(
    score: Score, open_episodes: Mapping[Tier, Episode], rules: Rules, now: datetime, *, in_hospital: bool = True
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
            decision = _raise(rule, why, score, rules, now, highest=highest, in_hospital=in_hospital)
            decisions.append(decision)
        raised = raised or why is not None
    return tuple(decisions)


def _reaches(rule: Rule, score: Score) -> Reason | None:
    if rule.raise_at is not None and score.at_least is not None and score.at_least >= rule.raise_at:
        return "threshold"
    return "red" if rule.red and score.red else None


def _raise(rule: Rule, why: Reason, score: Score, rules: Rules, now: datetime, *, highest: int, in_hospital: bool) -> Decision:
    """Raise, or say why not; what is suppressed is recorded all the same."""
    against: Sequence[tuple[bool, Reason]] = (
        (score.mode == "shadow", "shadow"),
        (not in_hospital, "left"),
        (now - score.as_of > rules.max_age, "stale"),
        (highest > RANK[rule.tier], "higher_tier_open"),
    )
    for holds, reason in against:
        if holds:
            return Decision(kind="suppress", tier=rule.tier, reason=reason)
    return Decision(kind="raise", tier=rule.tier, reason=why)


def _about_open(rule: Rule, score: Score, episode: Episode, rules: Rules, now: datetime) -> list[Decision]:
    """An open episode is cleared by the score that raised it, once that has stayed low for the dwell."""
    if episode.reason.partition(" ")[0] != score.name or score.value is None or now - score.as_of > rules.max_age:
        return []
    if score.value >= rule.clear_below or (rule.red and score.red):
        return [Decision(kind="hold", tier=rule.tier, reason="above_clear")] if episode.clearing_since else []
    if episode.clearing_since is None and rule.dwell.total_seconds() > 0:
        return [Decision(kind="clearing", tier=rule.tier, reason="dwelling")]
    since = episode.clearing_since or score.as_of
    if score.as_of - since >= rule.dwell:
        return [Decision(kind="clear", tier=rule.tier, reason="below_clear")]
    return []
