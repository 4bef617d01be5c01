"""`vigil oncall`: who is on call, where nobody will be, swaps, and shifts from and to other calendars."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
import msgspec
import psycopg

from alerts import contacts, coverage, duties, schedule_csv, schedule_ical
from alerts.channels.channel import Accepted, Page
from alerts.channels.configured import channels
from alerts.people import Contact, Roster, RosterError, load
from alerts.plan import of_rule
from alerts.schedule import Duty, shifts
from alerts.schedule_csv import NotImported
from infra.database.connect import DatabaseAway, connect_patiently
from infra.main.cli import NO, NOT_THERE, Trouble
from infra.main.home import home_option, json_option, needs_system, settings_of
from infra.settings import Settings

SHOWN = timedelta(days=28)
"""How far `show` looks for the end of a shift and for gaps."""
UNFOLDED = timedelta(days=400)
"""How far ahead the recurrences of an imported calendar are written down; import it again within the year."""

T = TypeVar("T")


@click.group()
def command() -> None:
    """Who is on call now or at any time; gaps, swaps, import and export."""


def roster_of(settings: Settings) -> Roster | None:
    """The on-call file that the settings name, checked; None where there is none."""
    if not settings.page.oncall:
        return None
    try:
        return load(Path(settings.page.oncall), settings.page.channels)
    except RosterError as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(wrong, remedy) from error


def _needed(settings: Settings) -> Roster:
    roster = roster_of(settings)
    if roster is None:
        raise Trouble("there is no on-call schedule", f"name its file with page.oncall in {settings.home}/vigil.toml", NOT_THERE)
    return roster


def _asked(settings: Settings, question: Callable[[psycopg.Cursor], T]) -> T:
    try:
        with (
            connect_patiently(needs_system(settings).database.url, application="vigil-oncall", wait_s=10) as connection,
            connection.cursor() as cursor,
        ):
            return question(cursor)
    except DatabaseAway as away:
        raise Trouble(str(away), "look at it: vigil status", NOT_THERE) from away


def _moment(text: str, roster: Roster) -> datetime:
    """ISO 8601; without an offset it is the hospital's wall clock."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Trouble(f"{text} is no time", "write it like 2026-03-01T08:00, or with an offset like 2026-03-01T08:00+00:00") from error
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(roster.timezone))).astimezone(UTC)


@command.command()
@home_option
@json_option
@click.option("--at", help="Another time than now, ISO 8601.")
@click.pass_context
def show(context: click.Context, home: Path, as_json: bool, at: str | None) -> None:
    """Who is on call, until when and how reached, and where within four weeks nobody is. Exit status 1 where a team has nobody at that time."""
    settings = settings_of(home)
    roster = roster_of(settings)
    if roster is None:
        _tell_routes(settings, as_json)
        return
    when = _moment(at, roster) if at else settings.clock.clock().now()
    agreed, checked = _asked(settings, lambda cursor: (duties.between(cursor, when - SHOWN, when + SHOWN), contacts.verified(cursor)))
    teams = [_team(roster, agreed, checked, team, when) for team in roster.teams]
    found = coverage.uncovered(roster, agreed, when, when + SHOWN)
    answer = {
        "at": when.isoformat(),
        "teams": teams,
        "gaps": [{"team": gap.team, "from": gap.starts_at.isoformat(), "until": gap.ends_at.isoformat()} for gap in found],
        "line": [msgspec.to_builtins(one) for one in roster.line],
        "escalations": [of_rule(rule) for rule in roster.escalations],
        "routes": [msgspec.to_builtins(route) for route in settings.page.routes],
    }
    click.echo(msgspec.json.encode(answer).decode() if as_json else _sentences(answer))
    context.exit(NO if any(gap.starts_at <= when for gap in found) else 0)


def _tell_routes(settings: Settings, as_json: bool) -> None:
    routes = [msgspec.to_builtins(route) for route in settings.page.routes]
    if as_json:
        now = settings.clock.clock().now().isoformat()
        click.echo(msgspec.json.encode({"at": now, "teams": [], "gaps": [], "line": [], "escalations": [], "routes": routes}).decode())
        return
    click.echo("no on-call schedule (page.oncall); the routes of vigil.toml say who is paged:")
    for route in routes:
        click.echo(f"  {route['tier']:15} {route['unit'] or 'every unit':12} {route['channel']} {route['target']}")


def _team(roster: Roster, agreed: tuple[Duty, ...], checked: frozenset[tuple[str, Contact]], team: str, when: datetime) -> dict[str, Any]:
    around = shifts(roster, agreed, team, when - SHOWN, when + SHOWN)
    longest = sorted((one for one in around if one.starts_at <= when < one.ends_at), key=lambda one: one.ends_at)
    here = {one.person: one for one in longest}.values()  # somebody may be there twice, by the rotation and by an import
    following = [one for one in around if one.starts_at > when]
    return {
        "team": team,
        "name": roster.teams[team].name or team,
        "timezone": str(roster.zone(team)),
        "on_call": [
            {
                "person": one.person, "name": roster.people[one.person].name, "rotation": one.rotation, "since": one.starts_at.isoformat(),
                "until": one.ends_at.isoformat(), "contacts": [
                    msgspec.to_builtins(way) | {"verified": (one.person, way) in checked} for way in roster.people[one.person].contacts
                ],
            }
            for one in here
            if one.person in roster.people
        ],
        "next": {"person": following[0].person, "from": following[0].starts_at.isoformat()} if following else None,
    }  # fmt: skip


def _sentences(answer: dict[str, Any]) -> str:
    lines = [f"on call at {answer['at']}"]
    for team in answer["teams"]:
        lines.append(f"{team['name']} ({team['timezone']})")
        for one in team["on_call"]:
            ways = ", ".join(f"{way['channel']} {way['target']}{'' if way['verified'] else ' (not verified)'}" for way in one["contacts"])
            lines.append(f"  {one['name']:24} until {one['until'][:16]}  {ways}")
        if not team["on_call"]:
            lines.append("  nobody")
        if team["next"]:
            lines.append(f"  next: {team['next']['person']} from {team['next']['from'][:16]}")
    lines += [f"GAP {gap['team']} from {gap['from'][:16]} until {gap['until'][:16]}" for gap in answer["gaps"]]
    lines += ["escalation " + rule for rule in answer["escalations"]]
    lines.append("rapid-response line: " + ", ".join(f"{way['channel']} {way['target']}" for way in answer["line"]))
    return "\n".join(lines)


@command.command()
@home_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--days", type=click.IntRange(1, 3660), default=28, show_default=True, help="How far ahead gaps are looked for.")
@click.pass_context
def check(context: click.Context, home: Path, file: Path | None, days: int) -> None:
    """Reads an on-call FILE as Vigil would (default: the one in use) and tells its gaps. Exit status 1 where there is one."""
    settings = settings_of(home)
    try:
        roster = load(file, settings.page.channels or None) if file else _needed(settings)
    except RosterError as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(wrong, remedy) from error
    now = settings.clock.clock().now()
    ahead = timedelta(days=days)
    agreed = _asked(settings, lambda cursor: duties.between(cursor, now, now + ahead)) if settings.database.url else ()
    found = coverage.uncovered(roster, agreed, now, now + ahead)
    for gap in found:
        click.echo(f"GAP {gap.team} from {gap.starts_at.isoformat()} until {gap.ends_at.isoformat()}")
    click.echo(
        f"{len(roster.people)} people, {len(roster.teams)} teams, {len(roster.escalations)} escalations, {len(found)} gaps in {days} days"
    )
    context.exit(NO if found else 0)


@command.command()
@home_option
@click.argument("team")
@click.option("--person", help="Who is on call; alone: one more.")
@click.option("--instead-of", help="Whose place that is; alone: that one is off.")
@click.option("--from", "since", required=True, help="ISO 8601; without offset the hospital's wall clock.")
@click.option("--until", required=True)
@click.option("--by", required=True, help="Who agreed to it.")
def swap(home: Path, team: str, person: str | None, instead_of: str | None, since: str, until: str, by: str) -> None:
    """Writes down a swap, a day off, or one more on call; it holds at once."""
    settings = settings_of(home)
    roster = _needed(settings)
    if team not in roster.teams:
        raise Trouble(f"there is no team {team}", f"known are: {', '.join(roster.teams)}")
    for who in (person, instead_of):
        if who and who not in roster.people:
            raise Trouble(f"nobody is called {who}", f"known are: {', '.join(roster.people)}")
    duty = Duty(
        duty_id="", team=team, person=person, instead_of=instead_of, starts_at=_moment(since, roster), ends_at=_moment(until, roster)
    )
    if not (person or instead_of) or duty.starts_at >= duty.ends_at:
        raise Trouble("nobody is named, or it ends before it starts", "say --person, --instead-of, --from and --until")
    number = _asked(settings, lambda cursor: duties.agree(cursor, duty, by, settings.clock.clock().now()))
    click.echo(f"duty {number}; take it back: vigil oncall drop {number} --by NAME")


@command.command()
@home_option
@click.argument("person")
@click.argument("channel")
@click.option("--code", help="What arrived there.  [default: send a new code]")
@click.option("--by", default="", help="Who says so.  [default: the person]")
@click.pass_context
def verify(context: click.Context, home: Path, person: str, channel: str, code: str | None, by: str) -> None:
    """Sends a code to PERSON by CHANNEL; with --code, marks that contact as verified. Exit status 1 where the code is wrong, or was refused."""
    settings = settings_of(home)
    roster = _needed(settings)
    known = roster.people[person].contacts if person in roster.people else ()
    contact = next((one for one in known if one.channel == channel), None)
    if contact is None:
        raise Trouble(f"{person} has no contact by {channel}", "look at the on-call file: vigil oncall show")
    now = settings.clock.clock().now()
    if code is not None:
        right = _asked(settings, lambda cursor: contacts.verify(cursor, person, contact, code, by or person, now))
        click.echo("verified" if right else "that is not the last code, or it is too old")
        context.exit(0 if right else NO)
    new = _asked(settings, lambda cursor: contacts.new_code(cursor, person, contact, now))
    page = Page(page_id=f"code-{token_hex(8)}", tier="test", unit=f"code {new}", created_at=now, link="")
    sent = asyncio.run(channels(settings.page)[channel].send(page, contact.target))
    click.echo(
        f"sent; say it back: vigil oncall verify {person} {channel} --code CODE"
        if isinstance(sent, Accepted)
        else f"refused: {sent.detail}"
    )
    context.exit(0 if isinstance(sent, Accepted) else NO)


@command.command()
@home_option
@click.argument("duty_id")
@click.option("--by", required=True, help="Who takes it back.")
def drop(home: Path, duty_id: str, by: str) -> None:
    """Takes a swap back."""
    settings = settings_of(home)
    if not _asked(settings, lambda cursor: duties.drop(cursor, duty_id, by, settings.clock.clock().now())):
        raise Trouble(f"there is no duty {duty_id}", "look in vigil.duties", NO)
    click.echo(f"duty {duty_id} is taken back")


@command.command()
@home_option
@click.option("--team", multiple=True, help="Only these.  [default: all]")
@click.option("--from", "since", help="[default: now]")
@click.option("--days", type=click.IntRange(1, 3660), default=28, show_default=True)
@click.option("--format", "kind", type=click.Choice(["csv", "ics"]), default="csv", show_default=True)
def export(home: Path, team: tuple[str, ...], since: str | None, days: int, kind: str) -> None:
    """Writes the shifts to stdout, swaps included."""
    settings = settings_of(home)
    roster = _needed(settings)
    begin = _moment(since, roster) if since else settings.clock.clock().now()
    end = begin + timedelta(days=days)
    agreed = _asked(settings, lambda cursor: duties.between(cursor, begin, end))
    unknown = [one for one in team if one not in roster.teams]
    if unknown:
        raise Trouble(f"there is no team {unknown[0]}", f"known are: {', '.join(roster.teams)}")
    found = [shift for one in team or roster.teams for shift in shifts(roster, agreed, one, begin, end)]
    click.echo(
        schedule_csv.written(found) if kind == "csv" else schedule_ical.written(found, roster, settings.clock.clock().now()), nl=False
    )


@command.command(name="import")
@home_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--team", help="Whose shifts they are, where the file does not say.")
@click.option("--by", required=True, help="Who brings them in.")
def bring_in(home: Path, file: Path, team: str | None, by: str) -> None:
    """Brings in shifts from a .csv or .ics file, in place of what a file of the same name brought before."""
    settings = settings_of(home)
    roster = _needed(settings)
    now = settings.clock.clock().now()
    try:
        if file.suffix.lower() == ".ics":
            found = schedule_ical.read(file.read_bytes(), roster, file.name, team, now - timedelta(days=1), now + UNFOLDED)
        else:
            found = schedule_csv.read(file.read_text(encoding="utf-8"), roster, file.name)
    except (NotImported, UnicodeDecodeError) as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(f"{file}: {wrong}", remedy or "save it as UTF-8") from error
    _asked(settings, lambda cursor: duties.bring_in(cursor, found, file.name, [team] if team else [], by, now))
    click.echo(f"{len(found)} shifts from {file.name}")
