"""What becomes of a patient's episodes by a decision, a move or a departure: which end, which begin, which are marked. Pure; the database does as told."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from alerts.episode import UNANSWERED, Episode, Happening, follow
from alerts.policy import Decision
from alerts.rules import RANK, Tier
from scoring.score import Score


class Begun(Struct, frozen=True, kw_only=True):
    """An episode begins. `risen`: the patient comes from a lower tier, or from a lower value of the same."""

    episode: Episode
    risen: bool


class Over(Struct, frozen=True, kw_only=True):
    """An episode ends; what waits to be paged for it is withdrawn. `version`: of the policy that ended it."""

    episode: Episode
    happening: Happening
    because: str
    version: str = ""


class Marked(Struct, frozen=True, kw_only=True):
    """The episode as it is from now on: where the patient is, how high the score was, since when it has been clearing."""

    episode: Episode


Change = Begun | Over | Marked


class Place(Struct, frozen=True, kw_only=True):
    """Who and where the patient is."""

    patient_id: str
    encounter_id: str | None = None
    unit: str | None = None
    bed: str | None = None


Open = Mapping[Tier, Episode]


def consequences(
    decision: Decision, score: Score, mine: Open, place: Place, name: Callable[[Tier], str], version: str, now: datetime
) -> tuple[Change, ...]:
    """What a decision about a patient's episodes `mine` comes to. `name`: the id of an episode that begins now."""
    match decision.kind:
        case "raise":
            old = mine.get(decision.tier)
            anew: Happening = "risen" if decision.reason == "risen" else "reminded"
            ended = () if old is None else (Over(episode=old, happening=anew, because=decision.reason, version=version),)
            risen = decision.reason == "risen" or any(RANK[tier] < RANK[decision.tier] for tier in mine)
            episode = Episode(
                episode_id=name(decision.tier), patient_id=place.patient_id, encounter_id=place.encounter_id, tier=decision.tier, unit=place.unit,
                bed=place.bed, opened_at=now, state="open", reason=_reason(decision, score), score_id=score.score_id, peak=score.at_least,
                policy_version=version, follows=old.episode_id if old else None, input=decision.input,
            )  # fmt: skip
            return (*ended, Begun(episode=episode, risen=risen))
        case "clear":
            return (Over(episode=mine[decision.tier], happening="cleared", because=decision.reason, version=version),)
        case "clearing" | "hold":
            since = score.as_of if decision.kind == "clearing" else None
            return (Marked(episode=replace(mine[decision.tier], clearing_since=since)),)
        case "peak":
            return (Marked(episode=replace(mine[decision.tier], peak=score.at_least)),)
        case "suppress":
            return ()


def transferred(
    mine: Open, place: Place, name: Callable[[Tier], str], spared: Callable[[Episode], str], version: str, now: datetime
) -> tuple[Change, ...]:
    """What a patient's new unit means: what nobody has answered begins anew for the people there; what somebody has, they keep.

    `spared`: why nobody there is paged about such an episode, empty where somebody is.
    """
    changes: list[Change] = []
    for episode in mine.values():
        if place.unit is None or episode.unit == place.unit:
            continue
        if episode.unit is None or follow(episode.state, "transferred") == episode.state:
            changes.append(Marked(episode=replace(episode, unit=place.unit, bed=place.bed)))
            continue
        why = spared(episode)
        changes.append(
            Over(episode=episode, happening="transferred", because=f"excluded as {why}" if why else "transferred", version=version)
        )
        if not why:
            successor = replace(
                episode, episode_id=name(episode.tier), unit=place.unit, bed=place.bed, encounter_id=place.encounter_id, opened_at=now, state="open",
                follows=episode.episode_id, policy_version=version, grouped_in=None, told_at=None, answered_at=None, resting=False,
            )  # fmt: skip
            changes.append(Begun(episode=successor, risen=False))
    return tuple(changes)


def answered(mine: Open, at: datetime) -> dict[Tier, Episode]:
    """A patient's open episodes once somebody has acknowledged all that nobody had."""
    return {
        tier: replace(one, state=follow(one.state, "acknowledged"), answered_at=at, resting=False) if one.state in UNANSWERED else one
        for tier, one in mine.items()
    }


def left(mine: Open) -> tuple[Change, ...]:
    """A visit that ended ends what was open for it."""
    return tuple(Over(episode=episode, happening="left", because="left") for episode in mine.values())


def settled(mine: Open, changes: Iterable[Change]) -> dict[Tier, Episode]:
    """A patient's open episodes after these changes."""
    after = dict(mine)
    for change in changes:
        match change:
            case Over(episode=episode):
                after.pop(episode.tier, None)
            case Begun(episode=episode) | Marked(episode=episode):
                after[episode.tier] = episode
    return after


def _reason(decision: Decision, score: Score) -> str:
    """Begins with the score's name: that alone clears it."""
    shown = "" if score.at_least is None else f" {score.at_least:g}" if score.at_least == int(score.at_least) else f" {score.at_least:.2f}"
    without = " (model unavailable)" if score.mode == "fallback" else ""
    return f"{score.name}{shown} {decision.reason}{without}"
