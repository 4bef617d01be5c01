"""What one score means for one patient's episodes: raise, hold, clear, or nothing, each with its reason. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct

from alerts.episode import ANSWERED, Episode, score_of
from alerts.exclusions import Circumstances, exclusion
from alerts.rules import RANK, Rule, Rules, Tier
from scoring.score import Score

Kind = Literal["raise", "suppress", "clear", "clearing", "hold", "peak"]
Reason = Literal[
    "threshold", "red", "risen", "unanswered", "still_high", "stale", "left", "shadow", "excluded", "muted", "grouped", "higher_tier_open", "not_repeated", "cooling_down",
    "already_open", "below_clear", "dwelling", "above_clear", "higher",
]  # fmt: skip


class Decision(Struct, frozen=True, kw_only=True):
    """What to do about one tier. `clearing` marks since when an open episode has been below its clearing threshold; `hold` ends that; `peak` notes that
    it has never been so high. A raise because it has `risen`, is still `unanswered` or `still_high` takes the place of the open episode.

    `detail`: which exclusion, whose mute, which storm. `input`: the one input that weighed most, and without which nothing would have been raised; empty where several were as high.
    """

    kind: Kind
    tier: Tier
    reason: Reason
    detail: str = ""
    input: str = ""


class Earlier(Struct, frozen=True, kw_only=True):
    """A score of the same name before this one, as far as N of M asks."""

    as_of: datetime
    at_least: float | None
    red: bool


class Ended(Struct, frozen=True, kw_only=True):
    """The last episode of a tier that has cleared, as far as a cool-down asks. `peak`: the highest its score had reached."""

    score: str
    closed_at: datetime
    peak: float | None


class Past(Struct, frozen=True, kw_only=True):
    """What came before. `earlier`: scores of the name, the newest first; `ended`: by tier."""

    earlier: tuple[Earlier, ...] = ()
    ended: Mapping[Tier, Ended] = MappingProxyType({})


NO_PAST: Final = Past()
FRESH: Final = timedelta(minutes=15)
"""So long after it was told, what has risen is the same news: one set of vital signs often comes in several messages. As long as a page is tried (page.give_up_s)."""


def decide(
    score: Score,
    open_episodes: Mapping[Tier, Episode],
    rules: Rules,
    now: datetime,
    *,
    in_hospital: bool = True,
    circumstances: Circumstances | None = None,
    past: Past = NO_PAST,
) -> tuple[Decision, ...]:
    """The decisions one score asks for, the highest tier first; at most one raise.

    `open_episodes`: the patient's, by tier; `past`: needed where `needs_past` says so. A known lower bound raises as the score itself would (`at_least`);
    only a complete score clears, because what is missing may be what is wrong. A score about a window that is past raises and clears nothing.
    """
    decisions: list[Decision] = []
    raised = False
    for rule in rules.rules:
        if rule.score != score.name:
            continue
        why = _reaches(rule, score.at_least, red=score.red)
        episode = open_episodes.get(rule.tier)
        again = None if episode is None or why is None else _again(rule, episode, score, now)
        if episode is not None and again is None:
            decisions.extend(_about_open(rule, score, episode, rules, now))
        elif why is not None and not raised:
            against = _against(rule, score, open_episodes, rules, now, in_hospital, circumstances, past)
            if against is not None:
                decisions.append(Decision(kind="suppress", tier=rule.tier, reason=against[0], detail=against[1]))
            else:
                decisions.append(Decision(kind="raise", tier=rule.tier, reason=again or why, input=_input(rule, score)))
        raised = raised or why is not None
    return tuple(decisions)


def needs_past(score: Score, open_episodes: Mapping[Tier, Episode], rules: Rules) -> bool:
    """Whether what came before may change a decision; it need not be looked up else."""
    for rule in rules.rules:
        if rule.score != score.name or rule.tier in open_episodes or not (rule.times > 1 or rule.cool_down):
            continue
        if _reaches(rule, score.at_least, red=score.red) is not None:
            return True
    return False


def _reaches(rule: Rule, at_least: float | None, *, red: bool) -> Literal["threshold", "red"] | None:
    if rule.raise_at is not None and at_least is not None and at_least >= rule.raise_at:
        return "threshold"
    return "red" if rule.red and red else None


def _against(
    rule: Rule, score: Score, open_episodes: Mapping[Tier, Episode], rules: Rules, now: datetime, in_hospital: bool,
    circumstances: Circumstances | None, past: Past,
) -> tuple[Reason, str] | None:  # fmt: skip
    """Why a score that reaches its threshold raises nobody all the same; what is suppressed is recorded with it."""
    if score.mode == "shadow":
        return "shadow", ""
    if not in_hospital:
        return "left", ""
    excluded = exclusion(rules.exclude, score.name, circumstances, now)
    if excluded:
        return "excluded", excluded
    if now - score.as_of > rules.max_age:
        return "stale", ""
    if any(RANK[tier] > RANK[rule.tier] for tier in open_episodes):
        return "higher_tier_open", ""
    if rule.tier in open_episodes:  # told anew
        return None
    if rule.times > 1 and not _repeated(rule, score, past.earlier):
        return "not_repeated", f"{rule.times} of {rule.of_last}"
    return ("cooling_down", "") if _cooling(rule, score, past.ended.get(rule.tier), now) else None


def _repeated(rule: Rule, score: Score, earlier: Sequence[Earlier]) -> bool:
    """Whether so many of the last scores reach it. Scores of the same instant of the patient count once, the last: one set of vital signs often comes in
    several messages."""
    of_instant: dict[datetime, bool] = {score.as_of: True}
    for one in earlier:
        if score.as_of - one.as_of <= rule.within:
            of_instant.setdefault(one.as_of, _reaches(rule, one.at_least, red=one.red) is not None)
    return sum(list(of_instant.values())[: rule.of_last]) >= rule.times


def _cooling(rule: Rule, score: Score, ended: Ended | None, now: datetime) -> bool:
    if ended is None or ended.score != score.name or now - ended.closed_at >= rule.cool_down:
        return False
    return not _higher(rule, ended.peak, score)


def _again(rule: Rule, episode: Episode, score: Score, now: datetime) -> Literal["risen", "unanswered", "still_high"] | None:
    """Why an open episode whose own score reaches the threshold is told anew. While an escalation looks for somebody it is not: that tells it already."""
    answered = episode.state in ANSWERED
    if _looked_for(episode, now) or episode.state == "muted" or score.mode == "shadow" or score_of(episode) != score.name:
        return None
    if _higher(rule, episode.peak, score):
        return "risen"
    wait, since = (rule.remind_answered, episode.answered_at) if answered else (rule.remind_unanswered, episode.told_at)
    if wait is None or now - (since or episode.opened_at) < wait:
        return None
    return "still_high" if answered else "unanswered"


def _looked_for(episode: Episode, now: datetime) -> bool:
    """Whether what nobody has answered is still being told."""
    return episode.state not in ANSWERED and (not episode.resting or now - (episode.told_at or episode.opened_at) < FRESH)


def _higher(rule: Rule, peak: float | None, score: Score) -> bool:
    return rule.rearm_rise is not None and peak is not None and score.at_least is not None and score.at_least >= peak + rule.rearm_rise


def _input(rule: Rule, score: Score) -> str:
    """The one part that weighs more than any other, where nothing would have been raised without it."""
    if not score.parts or score.at_least is None:
        return ""
    name, points = max(score.parts.items(), key=lambda part: part[1])
    if sum(1 for other in score.parts.values() if other == points) > 1:
        return ""
    by_sum = rule.raise_at is not None and score.at_least >= rule.raise_at
    return name if not by_sum or (rule.raise_at is not None and score.at_least - points < rule.raise_at) else ""


def _about_open(rule: Rule, score: Score, episode: Episode, rules: Rules, now: datetime) -> list[Decision]:
    """An open episode is cleared by the score that raised it, once that has stayed low for the dwell."""
    if score_of(episode) != score.name or score.mode == "shadow" or now - score.as_of > rules.max_age:
        return []
    noted = []
    if _looked_for(episode, now) and episode.peak is not None and score.at_least is not None and score.at_least > episode.peak:
        noted = [Decision(kind="peak", tier=rule.tier, reason="higher")]
    if score.value is None:
        return noted
    if score.value >= rule.clear_below or (rule.red and score.red):
        return [*noted, Decision(kind="hold", tier=rule.tier, reason="above_clear")] if episode.clearing_since else noted
    if episode.clearing_since is None and rule.dwell > timedelta(0):
        return [Decision(kind="clearing", tier=rule.tier, reason="dwelling")]
    since = episode.clearing_since or score.as_of
    return [Decision(kind="clear", tier=rule.tier, reason="below_clear")] if score.as_of - since >= rule.dwell else []
