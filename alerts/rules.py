"""The policy as data: read from TOML, checked against its schema, immutable."""

import tomllib
from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

Tier = Literal["watch", "urgent", "rapid_response"]
RANK: Final[dict[str, int]] = {"watch": 0, "urgent": 1, "rapid_response": 2}
"""Higher tiers silence lower ones: whoever has called the rapid-response team needs no urgent page for the same patient."""


class PolicyError(Exception):
    """The policy file is wrong; the second line says what to do."""


class Rule(Struct, frozen=True, kw_only=True):
    """One way into a tier: a score that reaches `raise_at`, or whose single part is red. Cleared below `clear_below` for `dwell`."""

    tier: Tier
    score: str
    raise_at: float | None
    red: bool
    clear_below: float
    dwell: timedelta


class Exclusion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Patients who are not paged about: all that is named must hold. `classes`: of HL7 table 0004; `scores`: only what these would raise, empty for all.

    What is not known of a patient excludes nobody.
    """

    reason: Annotated[str, Meta(pattern="^[a-z_]{2,40}$")]
    units: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    below_age_years: Annotated[int, Meta(ge=1, le=120)] | None = None
    scores: tuple[str, ...] = ()


class Rules(Struct, frozen=True, kw_only=True):
    """The rules in force, the highest tier first."""

    version: str
    max_age: timedelta
    rules: tuple[Rule, ...]
    exclude: tuple[Exclusion, ...] = ()


class _RuleFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    score: str
    tier: Tier | None = None
    raise_at: float | None = None
    raise_at_model_threshold: bool = False
    red: bool = False
    clear_below: float | None = None
    clear_share: Annotated[float, Meta(gt=0, lt=1)] | None = None
    dwell_minutes: Annotated[float, Meta(ge=0)] = 0


class _PolicyFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    max_age_minutes: Annotated[float, Meta(gt=0)]
    tiers: dict[str, _RuleFile]
    exclude: tuple[Exclusion, ...] = ()


def load(path: Path | None, model_threshold: float) -> Rules:
    """The rules of a file, or those that come with Vigil. Raises PolicyError, naming what is wrong."""
    text = path.read_text() if path else (files("alerts") / "policy.toml").read_text(encoding="utf-8")
    where = str(path) if path else "alerts/policy.toml"
    try:
        read = msgspec.convert(tomllib.loads(text), _PolicyFile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PolicyError(f"{where}: {error}\ncorrect that entry") from error
    rules = [_rule(name, one, model_threshold, where) for name, one in read.tiers.items()]
    for one in read.exclude:
        if not (one.units or one.classes or one.below_age_years):
            raise PolicyError(f"{where}: exclude {one.reason} names everybody\ngive it units, classes or below_age_years")
    return Rules(version=read.version, max_age=timedelta(minutes=read.max_age_minutes), rules=_ordered(rules), exclude=read.exclude)


def _rule(name: str, one: _RuleFile, model_threshold: float, where: str) -> Rule:
    raise_at = model_threshold if one.raise_at_model_threshold else one.raise_at
    if raise_at is None and not one.red:
        raise PolicyError(f"{where}: tiers.{name} never raises\ngive it raise_at, raise_at_model_threshold or red")
    clear_below = raise_at * one.clear_share if one.clear_share is not None and raise_at is not None else one.clear_below
    if clear_below is None or (raise_at is not None and clear_below > raise_at):
        raise PolicyError(f"{where}: tiers.{name} clears above where it raises, or never\ngive it clear_below or clear_share")
    tier = one.tier
    if tier is None:
        try:
            tier = msgspec.convert(name, Tier)
        except msgspec.ValidationError as error:
            raise PolicyError(f"{where}: tiers.{name} is no tier\nsay which with tier = …") from error
    return Rule(
        tier=tier, score=one.score, raise_at=raise_at, red=one.red, clear_below=clear_below, dwell=timedelta(minutes=one.dwell_minutes)
    )


def _ordered(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    return tuple(sorted(rules, key=lambda rule: -RANK[rule.tier]))
