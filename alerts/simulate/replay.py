"""One policy over one patient of the past: the very `decide` and the very episodes of the bedside, hour by hour; each episode that begins is a page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from alerts.changes import Begun, Over, Place, answered, consequences, settled
from alerts.episode import Episode, follow, score_of
from alerts.policy import Earlier, Ended, Past, Reason, decide
from alerts.rules import Policy, Rules, Tier
from alerts.simulate.tracks import Seen, Track
from scoring.score import Score

REMEMBERED: Final = 20
"""Earlier scores of each name that N of M may ask for: the most that a policy may look back on."""


@dataclass(frozen=True, slots=True)
class Paged:
    """A first page. Escalation's further steps depend on people and are not simulated. `again`: it tells anew of what was told before; `input`: what raised it."""

    at: datetime
    tier: Tier
    score: str
    reason: Reason = "threshold"
    again: bool = False
    input: str = ""


def pages_of(policy: Policy, track: Track, *, answers: bool = True) -> list[Paged]:
    """The pages of one patient. `answers`: somebody has acknowledged each before the next hour, as at a bedside; else nobody ever does, and every escalation
    has run its course by then. Either way an episode stays open until its score clears it.
    """
    walk, unit = _Walk(track, answers), track.circumstances.unit
    for at, scores in zip(track.times, track.scores, strict=True):
        walk.hour(at, scores, policy.rules_for(unit, at))
    return walk.paged


class _Walk:
    def __init__(self, track: Track, answers: bool) -> None:
        self.paged: list[Paged] = []
        self._track, self._answers = track, answers
        self._place = Place(patient_id=track.patient_id, unit=track.circumstances.unit)
        self._mine: Mapping[Tier, Episode] = {}
        self._watched: frozenset[str] = frozenset()
        self._earlier: dict[str, list[Earlier]] = {}
        self._ended: dict[Tier, Ended] = {}
        self._rules: Rules | None = None
        self._lowest: dict[str, float] = {}
        self._looks_back = False

    def hour(self, at: datetime, scores: Iterable[Seen], rules: Rules) -> None:
        """One hour's scores, and what became of its pages before the next: an answer, or every step of the escalation in vain."""
        if rules is not self._rules:
            self._follow(rules)
        before = len(self.paged)
        for seen in scores:
            lowest = self._lowest.get(seen.name)
            if lowest is not None:
                self._take(at, seen, rules, lowest)
        if len(self.paged) == before:
            return
        if self._answers:
            self._mine = answered(self._mine, at)
        else:
            self._mine = {tier: replace(one, state=follow(one.state, "accepted"), resting=True) for tier, one in self._mine.items()}

    def _take(self, at: datetime, seen: Seen, rules: Rules, lowest: float) -> None:
        """One score. Where it reaches nothing and clears nothing, nothing is decided."""
        earlier = self._earlier.setdefault(seen.name, [])
        if seen.name in self._watched or seen.red or (seen.at_least is not None and seen.at_least >= lowest):
            self._decide(at, _score(self._track.patient_id, at, seen), rules, tuple(earlier))
        if self._looks_back:
            earlier.insert(0, Earlier(as_of=seen.as_of, at_least=seen.at_least, red=seen.red))
            del earlier[REMEMBERED:]

    def _follow(self, rules: Rules) -> None:
        """Another edition looks back on what it has seen itself."""
        self._rules, self._lowest = rules, {}
        self._looks_back = any(rule.of_last > 1 for rule in rules.rules)
        for rule in rules.rules:
            least = float("inf") if rule.raise_at is None else rule.raise_at
            self._lowest[rule.score] = min(least, self._lowest.get(rule.score, float("inf")))

    def _decide(self, at: datetime, score: Score, rules: Rules, earlier: tuple[Earlier, ...]) -> None:
        past = Past(earlier=earlier, ended=self._ended)
        for decision in decide(score, self._mine, rules, at, circumstances=self._track.circumstances, past=past):
            changes = consequences(decision, score, self._mine, self._place, lambda tier: f"{tier}/{len(self.paged)}", rules.version, at)
            for change in changes:
                match change:
                    case Begun(episode=episode):
                        again = episode.follows is not None
                        self.paged.append(Paged(at, episode.tier, score.name, decision.reason, again, episode.input))
                    case Over(episode=episode, happening="cleared"):
                        self._ended[episode.tier] = Ended(score=score_of(episode), closed_at=at, peak=episode.peak)
            self._mine = settled(self._mine, changes)
            self._watched = frozenset(map(score_of, self._mine.values()))


def _score(patient_id: str, at: datetime, seen: Seen) -> Score:
    return Score(
        score_id="past/0/0/x", patient_id=patient_id, encounter_id=None, name=seen.name, version="", value=seen.value, at_least=seen.at_least, red=seen.red,
        as_of=seen.as_of, scored_at=at, mode="live", parts={seen.heaviest: seen.points} if seen.heaviest else {}, missing=(), findings=(), at=at,
    )  # fmt: skip
