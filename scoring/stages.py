"""How a model version earns its way to the bedside: which step may follow which, on what evidence, signed by how many. Pure (design decision 10)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

Stage = Literal["shadow", "pilot", "live", "retired"]

NEXT: Final[Mapping[Stage | None, frozenset[Stage]]] = {
    None: frozenset({"shadow"}),
    "shadow": frozenset({"pilot", "retired"}),
    "pilot": frozenset({"live", "shadow", "retired"}),
    "live": frozenset({"shadow", "retired"}),
    "retired": frozenset({"shadow"}),
}
"""None: a version that nobody has said anything about. Nothing skips a step upwards; down it goes at once."""

SIGNATURES: Final[Mapping[Stage, int]] = {"shadow": 0, "pilot": 1, "live": 2, "retired": 0}
"""Named people who answer for a step: one clinician for a few units, and for everybody a second, who is somebody else."""

LEAST_SCORES: Final = 1000
"""Scores that a version must have made in its stage before the next: fewer say nothing about how often it abstains."""
LEAST_HOURS: Final = 24.0
"""A whole day: nights, rounds and laboratories' hours differ."""
MOST_ABSTAINED: Final = 0.2
"""Share of scores. A model that keeps silent about more than one patient in five does not know this hospital's patients."""
BREACH_SCORES: Final = 200
BREACH_ABSTAINED: Final = 0.5
"""A live model that keeps silent about every second patient is demoted without being asked: what it says of the others is not to be trusted."""


class Standing(Struct, frozen=True, kw_only=True):
    """Where a version stands. `served`: its number in the repository; `units`: of a pilot."""

    model: str
    version: str
    served: str
    stage: Stage
    manifest_sha256: str = ""
    units: tuple[str, ...] = ()


class Evidence(Struct, frozen=True, kw_only=True):
    """What the database knows of a version's scores since it reached its stage, and the report that a person looked at (`report_sha256`)."""

    scores: int = 0
    abstained: int = 0
    hours: float = 0.0
    report_sha256: str = ""


class Change(Struct, frozen=True, kw_only=True):
    """What somebody asks for: `version` to `stage`, signed by these people."""

    version: str
    stage: Stage
    signed_by: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    reason: str = ""
    at: datetime | None = None


def objections(before: Stage | None, change: Change, evidence: Evidence) -> list[str]:
    """Why a change may not be made; empty where it may.

    >>> objections("shadow", Change(version="v", stage="live"), Evidence())[0]
    'from shadow it goes to pilot or retired, not to live'
    """
    if change.stage not in NEXT[before]:
        return [f"from {before or 'nothing'} it goes to {' or '.join(sorted(NEXT[before]))}, not to {change.stage}"]
    found = []
    if len({name.strip().casefold() for name in change.signed_by if name.strip()}) < SIGNATURES[change.stage]:
        found.append(f"{SIGNATURES[change.stage]} different people must sign for {change.stage}")
    if change.stage == "pilot" and not change.units:
        found.append("a pilot is of named units")
    if change.stage in ("pilot", "live"):
        found += _lacking(evidence)
    if change.stage in ("shadow", "retired") and before in ("pilot", "live") and not change.reason:
        found.append("say why it is taken back")
    return found


def _lacking(evidence: Evidence) -> list[str]:
    share = evidence.abstained / max(1, evidence.scores)
    against = (
        (evidence.scores < LEAST_SCORES, f"{evidence.scores} scores in its stage, {LEAST_SCORES} are needed"),
        (evidence.hours < LEAST_HOURS, f"{evidence.hours:.1f} hours in its stage, {LEAST_HOURS:.0f} are needed"),
        (share > MOST_ABSTAINED, f"it abstained on {share:.0%} of its patients, {MOST_ABSTAINED:.0%} are allowed"),
        (not evidence.report_sha256, "no evaluation report was shown"),
    )
    return [text for holds, text in against if holds]


def displaced(standings: Sequence[Standing], change: Change) -> list[Standing]:
    """What was live, or a pilot, goes back to the shadows when another takes its place: one of each at most."""
    if change.stage not in ("pilot", "live"):
        return []
    return [one for one in standings if one.stage == change.stage and one.version != change.version]


def breach(evidence: Evidence) -> str:
    """Why a version is to be taken back at once; empty where it is not."""
    share = evidence.abstained / max(1, evidence.scores)
    if evidence.scores >= BREACH_SCORES and share > BREACH_ABSTAINED:
        return f"it abstained on {share:.0%} of {evidence.scores} scores"
    return ""
