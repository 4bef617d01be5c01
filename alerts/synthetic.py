"""Where the pages of patients nobody has go: to the test target of the routes, never to a person; and how such a trial stands in the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import psycopg
from msgspec import Struct

from alerts.people import Contact, Roster
from alerts.plan import Plan, Step, Target
from alerts.routing import Route
from infra.database.sql import statements

SQL = statements("alerts", "synthetic.sql")
TIER: Final = "synthetic"
"""Names the test target among `page.routes`; no score raises this tier, so no real patient's page is ever routed by it."""


class Standing(Struct, frozen=True, kw_only=True):
    """The page of a trial that is under way, the furthest where there are several."""

    page_id: str
    state: str
    accepted: bool
    acknowledged: bool
    last_error: str


def targets(routes: Sequence[Route], roster: Roster | None) -> tuple[Contact, ...]:
    """Where such pages go. What is anybody's own, the line's, or another route's is left out, whatever the settings say."""
    taken = {Contact(channel=one.channel, target=one.target) for one in routes if one.tier != TIER}
    if roster is not None:
        taken |= {*roster.line, *(contact for person in roster.people.values() for contact in person.contacts)}
    wanted = (Contact(channel=one.channel, target=one.target) for one in routes if one.tier == TIER)
    return tuple(one for one in dict.fromkeys(wanted) if one not in taken)


def plan(routes: Sequence[Route], roster: Roster | None) -> Plan:
    """One step and no line: a trial whose page reaches nobody ends there, and is told to ops."""
    found = tuple(Target(person=None, contacts=(one,)) for one in targets(routes, roster))
    return Plan(steps=(Step(after=timedelta(0), when="unacknowledged", targets=found),), line=(), timed=False, to_line=False)


def standing(cursor: psycopg.Cursor, patient_id: str) -> Standing | None:
    """How far the page of this patient's trial has come; None where nothing has been raised yet."""
    row = cursor.execute(SQL["page"].encode(), {"patient_id": patient_id}).fetchone()
    return Standing(**dict(zip(Standing.__struct_fields__, row, strict=True))) if row else None


def end(cursor: psycopg.Cursor, patient_id: str, now: datetime) -> int:
    """Ends what is open for this patient, as nobody will come to do it; tells how many episodes that were. Of a real patient's it ends nothing."""
    ids = [row[0] for row in cursor.execute(SQL["end"].encode(), {"patient_id": patient_id, "at": now}).fetchall()]
    if ids:
        cursor.execute(SQL["withdraw"].encode(), {"ids": ids})
    return len(ids)
