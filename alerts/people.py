"""Who there is to page: people and the ways to reach them, teams and their rotations, and who is told in which order; read from TOML, immutable."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from alerts.rules import Tier

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of `date.weekday()`."""

When = Literal["unacknowledged", "unreachable", "risen"]
"""A step is taken when nobody has answered; only when nobody of the step before can be reached; only where the patient came from a lower tier."""


class RosterError(Exception):
    """The on-call file is wrong; the second line says what to do."""


class Contact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to reach somebody: a channel of `page.channels` and what it calls the person (a pager id, an address)."""

    channel: str
    target: str = ""


class Identifier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What messages call a clinician (XCN.1), and who gave that number (XCN.9); empty where the feed sends none."""

    number: str
    authority: str = ""


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`contacts` in the order in which they are tried; `identifiers`: by which a patient's treatment team is matched."""

    name: str
    contacts: Annotated[tuple[Contact, ...], Meta(min_length=1)]
    identifiers: tuple[Identifier, ...] = ()


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People who take turns of `turn_days` from `first_day` on, on the days named, from `starts` to `ends` by the wall clock.

    `ends` at or before `starts` is the next day's; equal times are the whole day. `holidays` says what the roster's holidays mean to it.
    """

    people: Annotated[tuple[str, ...], Meta(min_length=1)]
    first_day: date
    name: str = ""
    turn_days: Annotated[int, Meta(ge=1)] = 1
    starts: time = time(8)
    ends: time = time(8)
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    holidays: Literal["as usual", "off", "only"] = "as usual"
    last_day: date | None = None


class Team(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rotations at work at an instant are on call together. `cover`: a team that must always be covered has its gaps told."""

    name: str = ""
    timezone: str = ""
    rotations: tuple[Rotation, ...] = ()
    cover: Literal["always", "as rostered"] = "always"


class StepRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to page so many minutes of Vigil's time after the step before: `team:NAME`, `person:NAME`, `line`; `role:attending` (or another role of
    the patient's treatment team), `team_of_patient` (all of it), as far as the roster knows them by their numbers.
    """

    page: Annotated[tuple[str, ...], Meta(min_length=1)]
    after_minutes: Annotated[float, Meta(ge=0)] = 0
    when: When = "unacknowledged"


class EscalationRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The steps for a tier on a unit (empty: every unit). All are taken `repeat` times again, then the rapid-response line is paged.

    `acknowledgements`: so many different people must answer before it rests. `unanswered = "rest"`: where somebody was reached and nobody answers,
    the line is left in peace; a mild tier that always ends there makes it deaf.
    """

    tier: Tier
    steps: Annotated[tuple[StepRule, ...], Meta(min_length=1)]
    unit: str = ""
    repeat: Annotated[int, Meta(ge=0, le=20)] = 0
    repeat_after_minutes: Annotated[float, Meta(gt=0)] = 5
    acknowledgements: Annotated[int, Meta(ge=1, le=5)] = 1
    unanswered: Literal["line", "rest"] = "line"


class Roster(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One hospital's. `line`: the rapid-response line, which somebody always answers; all that fails ends there."""

    version: str
    line: Annotated[tuple[Contact, ...], Meta(min_length=1)]
    timezone: str = "UTC"
    holidays: tuple[date, ...] = ()
    people: dict[str, Person] = {}
    teams: dict[str, Team] = {}
    escalations: tuple[EscalationRule, ...] = ()

    def zone(self, team: str) -> ZoneInfo:
        """The time zone by whose wall clock a team hands over."""
        return ZoneInfo(self.teams[team].timezone or self.timezone)

    def escalation(self, tier: str, unit: str | None) -> EscalationRule | None:
        """The unit's own rule for the tier, else the one for every unit."""
        own = next((one for one in self.escalations if one.tier == tier and one.unit and one.unit == unit), None)
        return own or next((one for one in self.escalations if one.tier == tier and not one.unit), None)


def load(path: Path, channels: Iterable[str] | None = None) -> Roster:
    """The roster of a file. Raises RosterError, naming the first thing that is wrong. `channels`: those there are, where that is to be checked."""
    try:
        roster = msgspec.toml.decode(path.read_bytes(), type=Roster)
    except FileNotFoundError as error:
        raise RosterError(f"{path} is not there\nwrite it, or correct page.oncall") from error
    except (msgspec.DecodeError, ValueError) as error:  # ValueError: TOML's own
        raise RosterError(f"{path}: {error}\ncorrect that entry") from error
    for wrong, remedy in problems(roster, channels):
        raise RosterError(f"{path}: {wrong}\n{remedy}")
    return roster


def problems(roster: Roster, channels: Iterable[str] | None = None) -> Iterator[tuple[str, str]]:
    """What does not fit together in a roster, each with its remedy."""
    yield from _bad_zones(roster)
    yield from _bad_rotations(roster)
    yield from _bad_steps(roster)
    yield from _bad_identifiers(roster)
    if channels is not None:
        yield from _bad_contacts(roster, frozenset(channels))


def _bad_zones(roster: Roster) -> Iterator[tuple[str, str]]:
    named = {"timezone": roster.timezone} | {f"teams.{key}.timezone": team.timezone for key, team in roster.teams.items() if team.timezone}
    for where, zone in named.items():
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            yield f"{where}: {zone} is no time zone", "name one of the IANA database, like Europe/London"


def _bad_rotations(roster: Roster) -> Iterator[tuple[str, str]]:
    for key, team in roster.teams.items():
        for number, rotation in enumerate(team.rotations):
            for person in rotation.people:
                if person not in roster.people:
                    yield f"teams.{key}.rotations.{number}: nobody is called {person}", f"add [people.{person}], or correct the name"


def _bad_steps(roster: Roster) -> Iterator[tuple[str, str]]:
    known: Mapping[str, Mapping[str, object]] = {"team": roster.teams, "person": roster.people}
    for rule in roster.escalations:
        for step in rule.steps:
            for who in step.page:
                kind, _, name = who.partition(":")
                if who in ("line", "team_of_patient") or (kind == "role" and name.strip()):
                    continue
                if name not in known.get(kind, {}):
                    remedy = "write team:NAME or person:NAME of this file, role:NAME, team_of_patient, or line"
                    yield f"escalations {rule.tier}: there is no {who}", remedy


def _bad_identifiers(roster: Roster) -> Iterator[tuple[str, str]]:
    owners: dict[Identifier, str] = {}
    for key, person in roster.people.items():
        for one in person.identifiers:
            other = owners.setdefault(one, key)
            if other != key:
                yield f"people.{key} and people.{other} have the number {one.number} both", "one number of one authority is one person's"


def _bad_contacts(roster: Roster, channels: frozenset[str]) -> Iterator[tuple[str, str]]:
    every = {f"people.{key}": person.contacts for key, person in roster.people.items()} | {"line": roster.line}
    for where, contacts in every.items():
        for contact in contacts:
            if contact.channel not in channels:
                yield f"{where}: there is no channel {contact.channel}", "name one of page.channels in vigil.toml"
