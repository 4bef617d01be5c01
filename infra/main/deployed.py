"""The deployed alert policy over a stay that is past: the same `decide` and the same episodes as at the bedside, in memory; somebody answers each."""

from collections.abc import Iterator, Mapping

from alerts.changes import Begun, Over, Place, answered, consequences, settled
from alerts.episode import Episode, score_of
from alerts.exclusions import Circumstances
from alerts.policy import Ended, Past, decide
from alerts.policy_text import described
from alerts.rules import Rules, Tier
from scoring.evaluate.deployed import Policy, Raised, Stay


def policy(rules: Rules) -> Policy:
    """The rules as an evaluation asks them. Mutes and routes are people's and change nothing here."""
    return Policy(
        version=rules.version,
        says=[f"{name}: {says}" for name, says in described(rules).items()],
        raised=lambda stay: list(raised(rules, stay)),
    )


def raised(rules: Rules, stay: Stay) -> Iterator[Raised]:
    """Every episode that the rules open in one stay, in order. N of M is not asked: no rule of an evaluation has it."""
    mine: Mapping[Tier, Episode] = {}
    ended: dict[Tier, Ended] = {}
    circumstances = Circumstances(unit=stay.unit, birth_date=stay.birth_date)
    for row, (at, scores) in enumerate(stay.moments):
        mine = answered(mine, at)
        for score in scores:
            for decision in decide(score, mine, rules, at, circumstances=circumstances, past=Past(ended=ended)):
                changes = consequences(decision, score, mine, Place(patient_id="", unit=stay.unit), str, rules.version, at)
                mine = settled(mine, changes)
                for change in changes:
                    match change:
                        case Begun(episode=episode):
                            yield Raised(row, episode.tier, score.name)
                        case Over(episode=episode):
                            ended[episode.tier] = Ended(score=score_of(episode), closed_at=at, peak=episode.peak)
