"""Reads a hospital's policy from TOML: checked against its schema, units' own entries laid over the hospital's, editions put in order."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from alerts.rules import RANK, Edition, Exclusion, Policy, PolicyError, Rule, Rules, Storms, Tier
from scoring.watched import WATCHED

NotNegative = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
Hours = Annotated[float, Meta(ge=1)]
"""A reminder sooner than that would be an escalation, which is the roster's."""
Count = Annotated[int, Meta(ge=2, le=10_000)]
MODEL: Final = "deterioration"
SHIPPED_POLICY: Final = Path(str(files("alerts"))) / "policy.toml"
"""The one that comes with Vigil."""


class _Tier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`model_threshold_share`: how much of the model's own threshold it takes. `off`: this unit does without it."""

    score: str
    tier: Tier | None = None
    raise_at: float | None = None
    raise_at_model_threshold: bool = False
    model_threshold_share: Positive = 1.0
    red: bool = False
    clear_below: float | None = None
    clear_share: Annotated[float, Meta(gt=0, lt=1)] | None = None
    dwell_minutes: NotNegative = 0
    times: Annotated[int, Meta(ge=1, le=20)] = 1
    of_last: Annotated[int, Meta(ge=1, le=20)] = 1
    within_minutes: NotNegative = 0
    cool_down_minutes: NotNegative = 0
    rearm_rise: Positive | None = None
    rearm_share: Positive | None = None
    remind_unanswered_hours: Hours | None = None
    remind_answered_hours: Hours | None = None
    off: bool = False


class _Unit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a unit has otherwise. Its exclusions speak of that unit and need name nobody else."""

    max_age_minutes: Positive | None = None
    tiers: dict[str, dict[str, Any]] = {}
    exclude: tuple[Exclusion, ...] = ()


class _Storms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    unit_raises: Count
    input_raises: Count
    within_minutes: Positive
    bed_raises: Count
    bed_within_minutes: Positive
    hold_minutes: Positive


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    max_age_minutes: Positive
    tiers: dict[str, dict[str, Any]]
    effective_from: datetime | None = None
    expire_hours: Positive = 24
    exclude: tuple[Exclusion, ...] = ()
    storms: _Storms | None = None
    units: dict[str, _Unit] = {}


def load(path: Path | None, model_threshold: float, model: str = MODEL) -> Policy:
    """The policy of a file, or of a folder whose .toml files are its editions; None: the one that comes with Vigil, which also holds until the first of the
    hospital's own takes force. Raises PolicyError, naming what is wrong. `model_threshold`: what `raise_at_model_threshold` means, of `model`.
    """
    contents = _contents(path or SHIPPED_POLICY)
    read = [_edition(where, content, model_threshold, model) for where, content in contents]
    if not any(one.effective_from is None for one in read):
        read += [_edition(where, content, model_threshold, model) for where, content in _contents(SHIPPED_POLICY)]
    read.sort(key=lambda one: one.effective_from.timestamp() if one.effective_from else float("-inf"))
    for one, other in pairwise(read):
        if one.effective_from == other.effective_from:
            raise PolicyError(f"{path}: {one.version} and {other.version} take force at the same time\ngive one another effective_from")
    return Policy(editions=tuple(read))


def _contents(path: Path) -> list[tuple[str, bytes]]:
    try:
        found = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        contents = [(str(one), one.read_bytes()) for one in found]
    except OSError as error:
        raise PolicyError(f"{path} cannot be read\nwrite it, or correct page.policy") from error
    if not contents:
        raise PolicyError(f"{path} holds no .toml file\nput one there, or name a file")
    return contents


def _edition(where: str, content: bytes, model_threshold: float, model: str) -> Edition:
    try:
        read = msgspec.convert(tomllib.loads(content.decode()), _File)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise PolicyError(f"{where}: {error}\ncorrect that entry") from error
    if read.effective_from is not None and read.effective_from.tzinfo is None:
        raise PolicyError(f"{where}: effective_from has no offset\nwrite it like 2026-12-01T08:00:00+00:00")
    reading = _Reading(where, f"{read.version}+{blake2b(content, digest_size=4).hexdigest()}", model_threshold, model)
    everywhere = reading.rules(read, None, _Unit())
    units = {name: reading.rules(read, name, unit) for name, unit in read.units.items()}
    return Edition(effective_from=read.effective_from, everywhere=everywhere, units=units)


class _Reading:
    """What all entries of one file are read with. `version` ends in a sum over the file, so that no two texts have the same."""

    def __init__(self, where: str, version: str, model_threshold: float, model: str) -> None:
        self._where, self._version, self._threshold, self._model = where, version, model_threshold, model

    def rules(self, read: _File, name: str | None, unit: _Unit) -> Rules:
        """The rules of a unit, or of every other where `name` is None."""
        place = "" if name is None else f'units."{name}".'
        tiers = {key: _laid_over(read.tiers.get(key, {}), unit.tiers.get(key, {})) for key in dict.fromkeys((*read.tiers, *unit.tiers))}
        rules = [self._rule(f"{place if key in unit.tiers else ''}tiers.{key}", key, one) for key, one in tiers.items()]
        minutes = read.max_age_minutes if unit.max_age_minutes is None else unit.max_age_minutes
        return Rules(
            version=self._version, max_age=timedelta(minutes=minutes), rules=self._ordered(rule for rule in rules if rule is not None),
            exclude=(*self._exclusions(unit.exclude, name), *self._exclusions(read.exclude, None)), storms=_storms(read.storms),
            expire=timedelta(hours=read.expire_hours),
        )  # fmt: skip

    def _exclusions(self, given: Iterable[Exclusion], unit: str | None) -> Iterable[Exclusion]:
        for one in given:
            if unit is not None and one.units:
                self._refuse(f'units."{unit}".exclude {one.reason} names units', "leave units out, or move it to [[exclude]]")
            meant = one if unit is None else msgspec.structs.replace(one, units=(unit,))
            if not meant.names_somebody:
                self._refuse(
                    f"exclude {one.reason} names everybody", "give it units, classes, below_age_years, comfort_care or resuscitate"
                )
            yield meant

    def _rule(self, place: str, name: str, given: Mapping[str, Any]) -> Rule | None:
        try:
            one = msgspec.convert(given, _Tier)
        except msgspec.ValidationError as error:
            raise PolicyError(f"{self._where}: {place}: {error}\ncorrect that entry") from error
        if one.off:
            return None
        if one.score not in WATCHED and one.score not in ("news2", self._model):
            self._refuse(
                f"{place}: nobody computes {one.score} at the bedside", f"name one of news2, {self._model}, {', '.join(sorted(WATCHED))}"
            )
        by_model = self._threshold * one.model_threshold_share if one.raise_at_model_threshold else None
        raise_at = by_model if one.raise_at is None else one.raise_at
        if raise_at is None and not one.red:
            self._refuse(f"{place} never raises", "give it raise_at, raise_at_model_threshold or red")
        clear_below = raise_at * one.clear_share if one.clear_share is not None and raise_at is not None else one.clear_below
        if clear_below is None or (raise_at is not None and clear_below > raise_at):
            raise PolicyError(f"{self._where}: {place} clears above where it raises, or never\ngive it clear_below or clear_share")
        if one.times > one.of_last or (one.of_last > 1 and not one.within_minutes):
            self._refuse(f"{place} can never see {one.times} of {one.of_last} scores", "give it of_last from times on, and within_minutes")
        return Rule(
            tier=self._tier(place, name, one.tier), score=one.score, raise_at=raise_at, red=one.red, clear_below=clear_below,
            dwell=timedelta(minutes=one.dwell_minutes), times=one.times, of_last=one.of_last, within=timedelta(minutes=one.within_minutes),
            cool_down=timedelta(minutes=one.cool_down_minutes),
            rearm_rise=raise_at * one.rearm_share if one.rearm_share is not None and raise_at is not None else one.rearm_rise,
            remind_unanswered=_hours(one.remind_unanswered_hours), remind_answered=_hours(one.remind_answered_hours),
        )  # fmt: skip

    def _tier(self, place: str, name: str, said: Tier | None) -> Tier:
        if said is not None:
            return said
        try:
            tier: Tier = msgspec.convert(name, Tier)
        except msgspec.ValidationError as error:
            raise PolicyError(f"{self._where}: {place} is no tier\nsay which with tier = …") from error
        return tier

    def _ordered(self, rules: Iterable[Rule]) -> tuple[Rule, ...]:
        ordered = tuple(sorted(rules, key=lambda rule: -RANK[rule.tier]))
        seen = {(rule.tier, rule.score) for rule in ordered}
        if len(seen) < len(ordered):
            self._refuse("two entries raise one tier by one score", "put raise_at and red into one entry")
        return ordered

    def _refuse(self, wrong: str, remedy: str) -> None:
        raise PolicyError(f"{self._where}: {wrong}\n{remedy}")


def _laid_over(given: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The hospital's entry with the unit's own values; where two keys say the same thing in two ways, the unit's way counts."""
    instead = (("raise_at", "raise_at_model_threshold"), ("clear_below", "clear_share"), ("rearm_rise", "rearm_share"))
    dropped = {other for pair in instead for one, other in (pair, pair[::-1]) if one in own and other not in own}
    return {key: value for key, value in given.items() if key not in dropped} | dict(own)


def _hours(given: float | None) -> timedelta | None:
    return None if given is None else timedelta(hours=given)


def _storms(given: _Storms | None) -> Storms | None:
    if given is None:
        return None
    return Storms(
        unit_raises=given.unit_raises, input_raises=given.input_raises, within=timedelta(minutes=given.within_minutes), bed_raises=given.bed_raises,
        bed_within=timedelta(minutes=given.bed_within_minutes), hold=timedelta(minutes=given.hold_minutes),
    )  # fmt: skip
