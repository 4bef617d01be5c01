"""Who treats a patient now, out of what PV1, ROL and PRT said; and which people of the roster those are."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec
import psycopg

from alerts.people import Roster
from infra.database.sql import statements
from parsers.events import Member, Team

SQL = statements("alerts", "treatment_team.sql")

Care = Mapping[str, tuple[str, ...]]
"""By role (`attending`, `consulting`, … or as the feed calls it, in lower case) the roster's people, in the order in which they were named."""

NOBODY: Final[Care] = MappingProxyType({})
OF_PV1: Final = frozenset({"attending", "referring", "consulting", "admitting"})
"""PV1 names everybody of such a role (PV1-7, 8, 9, 17), so a message that names somebody names all. ROL and PRT speak of one person each."""
SAME: Final[Mapping[str, str]] = MappingProxyType({"at": "attending", "rp": "referring", "cp": "consulting", "ad": "admitting"})
"""HL7 table 0443, provider role: what PV1 has fields for."""


def role_of(name: str) -> str:
    """A role under one name, however it was sent.

    >>> role_of("AT"), role_of("Attending "), role_of("PP")
    ('attending', 'attending', 'pp')
    """
    folded = name.strip().casefold()
    return SAME.get(folded, folded)


def current(stated: Iterable[Team], at: datetime) -> tuple[Member, ...]:
    """Who treats at an instant. `stated`: in the order in which it was true. A role that is not named again is not over."""
    whole: dict[str, list[Member]] = {}
    single: dict[tuple[str, str, str | None], Member] = {}
    for team in stated:
        told: dict[str, list[Member]] = {}
        for member in team.members:
            if member.role in OF_PV1:
                told.setdefault(member.role, []).append(member)
            else:
                single[role_of(member.role), member.identifier, member.authority] = member
        whole |= told
    everybody = [*(member for members in whole.values() for member in members), *single.values()]
    return tuple(one for one in everybody if (one.began_at is None or one.began_at <= at) and (one.ended_at is None or one.ended_at > at))


def known(members: Iterable[Member], roster: Roster) -> Care:
    """Those whose number the roster has, under the very authority that gave it; a number alone names somebody else elsewhere."""
    people = {(one.number, one.authority): key for key, person in roster.people.items() for one in person.identifiers}
    found: dict[str, dict[str, None]] = {}
    for member in members:
        key = people.get((member.identifier, member.authority or ""))
        if key is not None:
            found.setdefault(role_of(member.role), {})[key] = None
    return {role: tuple(keys) for role, keys in found.items()}


def of_patient(cursor: psycopg.Cursor, patient_id: str, encounter_id: str | None, roster: Roster, at: datetime) -> Care:
    """The team of a visit, as far as the roster knows it."""
    names = {"patient_id": patient_id, "encounter_id": encounter_id}
    rows = sorted(cursor.execute(SQL["stated"].encode(), names).fetchall(), key=lambda row: row[1:])
    return known(current((msgspec.convert(row[0], Team, strict=False) for row in rows), at), roster)
