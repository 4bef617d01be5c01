"""`vigil oncall`: who is on call, where nobody will be, swaps, and shifts from and to other calendars."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec

from alerts import contacts, coverage, duties
from alerts.people import Contact, Roster, RosterError, load
from alerts.plan import of_rule
from alerts.schedule import Duty, shifts
from infra.main import oncall_changes
from infra.main.cli import NO, Trouble
from infra.main.home import home_option, json_option, settings_of
from infra.main.roster import asked, moment, needed, roster_of
from infra.settings import Settings

SHOWN = timedelta(days=28)
"""How far `show` looks for the end of a shift and for gaps."""


@click.group()
def command() -> None:
    """Who is on call now or at any time; gaps, swaps, import and export."""


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
    when = moment(at, roster) if at else settings.clock.clock().now()
    agreed, checked = asked(settings, lambda cursor: (duties.between(cursor, when - SHOWN, when + SHOWN), contacts.verified(cursor)))
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
        roster = load(file, settings.page.channels or None) if file else needed(settings)
    except RosterError as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(wrong, remedy) from error
    now = settings.clock.clock().now()
    ahead = timedelta(days=days)
    agreed = asked(settings, lambda cursor: duties.between(cursor, now, now + ahead)) if settings.database.url else ()
    found = coverage.uncovered(roster, agreed, now, now + ahead)
    for gap in found:
        click.echo(f"GAP {gap.team} from {gap.starts_at.isoformat()} until {gap.ends_at.isoformat()}")
    click.echo(
        f"{len(roster.people)} people, {len(roster.teams)} teams, {len(roster.escalations)} escalations, {len(found)} gaps in {days} days"
    )
    context.exit(NO if found else 0)


for one in (oncall_changes.swap, oncall_changes.drop, oncall_changes.verify, oncall_changes.export, oncall_changes.bring_in):
    command.add_command(one)
