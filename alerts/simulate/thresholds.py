"""Chooses thresholds: the policy whose pages keep within a budget on one part of the patients, and meets most events there."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from msgspec.structs import replace

from alerts.rules import Edition, Policy, Rule, Rules
from alerts.simulate.figures import Counts, counted, pages_per_35, sensitivity
from alerts.simulate.replay import pages_of
from alerts.simulate.tracks import Track

STEPS: Final = 12
"""Thresholds that are tried from the lowest within the budget to the highest."""
NEWS2_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Judged:
    """A policy with what it did to some patients."""

    policy: Policy
    counts: Counts

    @property
    def pages(self) -> float:
        """A day per 35 patients."""
        return float(pages_per_35(self.counts, np.ones((1, len(self.counts.days))))[0])

    @property
    def sensitivity(self) -> float:
        """Per event; 0 where there was none."""
        found = float(sensitivity(self.counts, np.ones((1, len(self.counts.days))))[0])
        return found if np.isfinite(found) else 0.0


def judged(policy: Policy, tracks: Sequence[Track]) -> Judged:
    """What a policy would have done."""
    return Judged(policy, counted(tracks, [pages_of(policy, track) for track in tracks]))


def with_thresholds(policy: Policy, by_score: Mapping[str, Callable[[Rule], Rule]]) -> Policy:
    """The policy with these scores' rules changed, on every unit and in every edition."""

    def changed(rules: Rules) -> Rules:
        return replace(rules, rules=tuple(by_score[rule.score](rule) if rule.score in by_score else rule for rule in rules.rules))

    def edition(one: Edition) -> Edition:
        return replace(one, everywhere=changed(one.everywhere), units={name: changed(rules) for name, rules in one.units.items()})

    return Policy(editions=tuple(edition(one) for one in policy.editions))


def at(threshold: float) -> Callable[[Rule], Rule]:
    """A rule that raises from `threshold`, and clears and is told anew at the same shares of it as before."""

    def moved(rule: Rule) -> Rule:
        if rule.raise_at is None:
            return rule
        times = threshold / rule.raise_at if rule.raise_at > 0 else 1.0
        rise = None if rule.rearm_rise is None else rule.rearm_rise * times
        return replace(rule, raise_at=threshold, clear_below=rule.clear_below * times, rearm_rise=rise)

    return moved


def by_points(more: int) -> Callable[[Rule], Rule]:
    """A rule that asks for so many points more, and clears so many higher; from the first on a single red part is no longer enough."""

    def moved(rule: Rule) -> Rule:
        if more == 0:
            return rule
        raise_at = NEWS2_MOST + 1.0 if rule.raise_at is None else rule.raise_at + more
        return replace(rule, raise_at=raise_at, clear_below=rule.clear_below + more, red=False)

    return moved


def lone(
    score: str,
    raise_at: float,
    clear_below: float,
    dwell: timedelta,
    rearm_rise: float | None = None,
    remind_answered: timedelta | None = None,
) -> Policy:
    """One rule for everybody, as a hospital without a policy would have it."""
    rule = Rule(
        tier="urgent", score=score, raise_at=raise_at, red=False, clear_below=clear_below, dwell=dwell, rearm_rise=rearm_rise,
        remind_answered=remind_answered,
    )  # fmt: skip
    rules = Rules(version=f"{score} >= {raise_at:g}", max_age=timedelta(hours=1), rules=(rule,))
    return Policy(editions=(Edition(effective_from=None, everywhere=rules, units={}),))


def within_budget(policy: Policy, score: str, tracks: Sequence[Track], budget: float) -> Judged | None:
    """The threshold of a score that meets most events within the budget; None where none keeps within it, because others page too much.

    The lowest is not always the best: an episode that is open for good pages once.
    """
    reached = sorted({_highest(track, score) for track in tracks})
    thresholds = [*reached, float(np.nextafter(reached[-1], np.inf))] if reached else [float("inf")]

    def tried(place: int) -> Judged:
        return judged(with_thresholds(policy, {score: at(thresholds[place])}), tracks)

    lowest = bisect_left(range(len(thresholds)), True, key=lambda place: tried(place).pages <= budget)
    if lowest == len(thresholds):
        return None
    places = {lowest + (len(thresholds) - 1 - lowest) * step // STEPS for step in range(STEPS)}
    found = [one for one in map(tried, sorted(places)) if one.pages <= budget]
    return max(found, key=lambda one: (one.sensitivity, -one.pages), default=None)


def choose(policy: Policy, model: str, tracks: Sequence[Track], budget: float) -> Judged | None:
    """The model's threshold together with the points that NEWS2's tiers ask for, for most events met within the budget; None where nothing keeps within it."""
    best: Judged | None = None
    for more in range(NEWS2_MOST):
        shifted = with_thresholds(policy, {"news2": by_points(more)})
        found = within_budget(shifted, model, tracks, budget)
        if found is not None and (best is None or (found.sensitivity, -found.pages) > (best.sensitivity, -best.pages)):
            best = found
        if not any(page.score == "news2" for track in tracks for page in pages_of(shifted, track)):
            break  # more points change nothing any more
    return best


def _highest(track: Track, score: str) -> float:
    return max(
        (seen.at_least for scores in track.scores for seen in scores if seen.name == score and seen.at_least is not None), default=0.0
    )
