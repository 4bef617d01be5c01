"""What the commands about on-call duty need first: the roster, the database, and times as people write them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import psycopg

from alerts.people import Roster, RosterError, load
from alerts.roster_file import CurrentRoster, RosterFile, no_roster
from infra.database.connect import DatabaseAway, connect_patiently
from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import needs_system
from infra.settings import Settings

T = TypeVar("T")


def roster_of(settings: Settings) -> Roster | None:
    """The on-call file that the settings name, checked; None where there is none."""
    if not settings.page.oncall:
        return None
    try:
        return load(Path(settings.page.oncall), settings.page.channels)
    except RosterError as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(wrong, remedy) from error


def following(settings: Settings) -> CurrentRoster:
    """The on-call file as it is whenever it is asked for; a wrong one at the start is two lines and status 2."""
    roster_of(settings)
    return RosterFile(Path(settings.page.oncall), settings.page.channels) if settings.page.oncall else no_roster


def needed(settings: Settings) -> Roster:
    """The on-call file, or two lines and status 3 where there is none."""
    roster = roster_of(settings)
    if roster is None:
        raise Trouble("there is no on-call schedule", f"name its file with page.oncall in {settings.home}/vigil.toml", NOT_THERE)
    return roster


def asked(settings: Settings, question: Callable[[psycopg.Cursor], T]) -> T:
    """What the database answers within one transaction."""
    try:
        with (
            connect_patiently(needs_system(settings).database.url, application="vigil-oncall", wait_s=10) as connection,
            connection.cursor() as cursor,
        ):
            return question(cursor)
    except DatabaseAway as away:
        raise Trouble(str(away), "look at it: vigil status", NOT_THERE) from away


def moment(text: str, roster: Roster) -> datetime:
    """ISO 8601; without an offset it is the hospital's wall clock."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Trouble(f"{text} is no time", "write it like 2026-03-01T08:00, or with an offset like 2026-03-01T08:00+00:00") from error
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(roster.timezone))).astimezone(UTC)
