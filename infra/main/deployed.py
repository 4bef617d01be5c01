"""The deployed alert policy over a stay that is past: the same `decide` as at the bedside, with the episodes in memory."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from alerts.episode import Episode
from alerts.policy import Circumstances, Decision, decide
from alerts.policy_text import described
from alerts.rules import Rules, Tier
from scoring.evaluate.deployed import Policy, Raised, Stay
from scoring.score import Score


def policy(rules: Rules) -> Policy:
    """The rules as an evaluation asks them. Mutes and routes are people's and change nothing here."""
    return Policy(
        version=rules.version,
        says=[f"{name}: {says}" for name, says in described(rules).items()],
        raised=lambda stay: list(raised(rules, stay)),
    )


def raised(rules: Rules, stay: Stay) -> Iterator[Raised]:
    """Every episode that the rules open in one stay, in order."""
    mine: dict[Tier, Episode] = {}
    circumstances = Circumstances(unit=stay.unit, birth_date=stay.birth_date)
    for row, (at, scores) in enumerate(stay.moments):
        for score in scores:
            for decision in decide(score, mine, rules, at, circumstances=circumstances):
                if _follow(mine, decision, score, at):
                    yield Raised(row, decision.tier, score.name)


def _follow(mine: dict[Tier, Episode], decision: Decision, score: Score, at: datetime) -> bool:
    """Whether the decision opened an episode; `mine` is what is open after it."""
    match decision.kind:
        case "raise":
            mine[decision.tier] = Episode(
                episode_id="", patient_id="", encounter_id=None, tier=decision.tier, unit=None, bed=None, opened_at=at, state="open",
                reason=f"{score.name} {decision.reason}", score_id=score.score_id,
            )  # fmt: skip
            return True
        case "clear":
            del mine[decision.tier]
        case "clearing" | "hold":
            since = score.as_of if decision.kind == "clearing" else None
            mine[decision.tier] = msgspec.structs.replace(mine[decision.tier], clearing_since=since)
    return False
