"""One policy over one patient of the past: the very `decide` and the very episodes of the bedside, hour by hour; each episode that begins is a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from alerts.changes import Begun, Over, Place, consequences, settled
from alerts.episode import Episode, score_of
from alerts.policy import Earlier, Ended, Past, decide
from alerts.rules import Policy, Rules, Tier
from alerts.simulate.tracks import Seen, Track
from scoring.score import Score

REMEMBERED: Final = 20
"""Earlier scores of each name that N of M may ask for: the most that a policy may look back on."""


@dataclass(frozen=True, slots=True)
class Paged:
    """A first page. Escalation's further steps depend on people's answers and are not simulated."""

    at: datetime
    tier: Tier
    score: str


def pages_of(policy: Policy, track: Track) -> list[Paged]:
    """The pages of one patient. Nobody answers in the past: an episode stays open until its score clears it, or the patient leaves."""
    walk = _Walk(policy, track)
    for at, scores in zip(track.times, track.scores, strict=True):
        for seen in scores:
            walk.take(at, seen)
    return walk.paged


class _Walk:
    def __init__(self, policy: Policy, track: Track) -> None:
        self.paged: list[Paged] = []
        self._policy, self._track = policy, track
        self._place = Place(patient_id=track.patient_id, unit=track.circumstances.unit)
        self._mine: Mapping[Tier, Episode] = {}
        self._earlier: dict[str, list[Earlier]] = {}
        self._ended: dict[Tier, Ended] = {}
        self._rules: Rules | None = None
        self._lowest: dict[str, float] = {}

    def take(self, at: datetime, seen: Seen) -> None:
        """One score."""
        rules = self._in_force(at)
        lowest = self._lowest.get(seen.name)
        if lowest is None:
            return
        earlier = self._earlier.setdefault(seen.name, [])
        if self._mine or seen.red or (seen.at_least is not None and seen.at_least >= lowest):
            self._decide(at, _score(self._track.patient_id, at, seen), rules, tuple(earlier))
        earlier.insert(0, Earlier(as_of=seen.as_of, at_least=seen.at_least, red=seen.red))
        del earlier[REMEMBERED:]

    def _in_force(self, at: datetime) -> Rules:
        rules = self._policy.rules_for(self._track.circumstances.unit, at)
        if rules is not self._rules:
            self._rules, self._lowest = rules, {}
            for rule in rules.rules:
                least = float("inf") if rule.raise_at is None else rule.raise_at
                self._lowest[rule.score] = min(least, self._lowest.get(rule.score, float("inf")))
        return rules

    def _decide(self, at: datetime, score: Score, rules: Rules, earlier: tuple[Earlier, ...]) -> None:
        past = Past(earlier=earlier, ended=self._ended)
        for decision in decide(score, self._mine, rules, at, circumstances=self._track.circumstances, past=past):
            changes = consequences(decision, score, self._mine, self._place, lambda tier: f"{tier}/{len(self.paged)}", rules.version, at)
            for change in changes:
                match change:
                    case Begun(episode=episode):
                        self.paged.append(Paged(at, episode.tier, score.name))
                    case Over(episode=episode, happening="cleared"):
                        self._ended[episode.tier] = Ended(score=score_of(episode), closed_at=at, peak=episode.peak)
            self._mine = settled(self._mine, changes)


def _score(patient_id: str, at: datetime, seen: Seen) -> Score:
    return Score(
        score_id="past/0/0/x", patient_id=patient_id, encounter_id=None, name=seen.name, version="", value=seen.value, at_least=seen.at_least, red=seen.red,
        as_of=seen.as_of, scored_at=at, mode="live", parts={}, missing=(), findings=(), at=at,
    )  # fmt: skip
