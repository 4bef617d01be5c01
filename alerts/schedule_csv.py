"""Shifts as CSV, for spreadsheets and rostering systems: team, person, starts_at, ends_at, instead_of."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from alerts.people import Roster
from alerts.schedule import Duty, Shift

COLUMNS: Final = ("team", "person", "starts_at", "ends_at", "instead_of")


class NotImported(Exception):
    """A file cannot be brought in, and nothing of it was; the second line says what to do."""


def written(shifts: Iterable[Shift]) -> str:
    """The shifts, a line each, their times in UTC."""
    page = io.StringIO()
    lines = csv.writer(page, lineterminator="\n")
    lines.writerow(COLUMNS)
    for one in shifts:
        lines.writerow((one.team, one.person, one.starts_at.isoformat(), one.ends_at.isoformat(), ""))
    return page.getvalue()


def read(text: str, roster: Roster, source: str) -> tuple[Duty, ...]:
    """The duties of a file; times without an offset are wall-clock times of the team. Raises NotImported, naming the line, where one is wrong."""
    lines = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if not {"team", "person", "starts_at", "ends_at"} <= set(lines.fieldnames or ()):
        raise NotImported(f"the first line does not name the columns\nwrite it: {','.join(COLUMNS)}")
    return tuple(_duty(number, row, roster, source) for number, row in enumerate(lines, start=2))


def _duty(number: int, row: Mapping[str, str | None], roster: Roster, source: str) -> Duty:
    team, person, instead_of = ((row.get(name) or "").strip() for name in ("team", "person", "instead_of"))
    if team not in roster.teams:
        raise NotImported(f"line {number}: there is no team {team}\ncorrect it, or add [teams.{team}] to the on-call file")
    for who in (person, instead_of):
        if who and who not in roster.people:
            raise NotImported(f"line {number}: nobody is called {who}\ncorrect it, or add [people.{who}] to the on-call file")
    try:
        starts_at, ends_at = (_instant(row.get(name), roster, team) for name in ("starts_at", "ends_at"))
    except ValueError as error:
        raise NotImported(f"line {number}: a time is not ISO 8601\nwrite it like 2026-03-01T08:00 or 2026-03-01T08:00+00:00") from error
    if not (person or instead_of) or starts_at >= ends_at:
        raise NotImported(f"line {number}: nobody is named, or it ends before it starts\ncorrect that line")
    return Duty(
        duty_id="", team=team, person=person or None, instead_of=instead_of or None, starts_at=starts_at, ends_at=ends_at, source=source
    )  # fmt: skip


def _instant(text: str | None, roster: Roster, team: str) -> datetime:
    at = datetime.fromisoformat((text or "").strip())
    return (at if at.tzinfo else at.replace(tzinfo=roster.zone(team))).astimezone(UTC)
