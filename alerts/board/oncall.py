"""Who is on call now, for the board: names and teams, no numbers."""

from datetime import datetime, timedelta

import psycopg
from msgspec import Struct

from alerts import duties
from alerts.coverage import AHEAD
from alerts.people import Roster
from alerts.schedule import gaps, on_call


class TeamNow(Struct, frozen=True, kw_only=True):
    """`gap_at`: when, within a week, nobody will be; None where somebody always is."""

    team: str
    people: list[str]
    gap_at: datetime | None


def oncall(connection: psycopg.Connection, roster: Roster, now: datetime) -> list[TeamNow]:
    """Every team, in the order of the file."""
    with connection.cursor() as cursor:
        agreed = duties.between(cursor, now - timedelta(days=1), now + AHEAD)
    return [
        TeamNow(
            team=team.name or key,
            people=[roster.people[one].name for one in on_call(roster, agreed, key, now) if one in roster.people],
            gap_at=next((gap.starts_at for gap in gaps(roster, agreed, key, now, now + AHEAD)), None),
        )
        for key, team in roster.teams.items()
    ]
