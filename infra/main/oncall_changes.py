"""What changes who is on call: swaps, verified contacts, and shifts from and to other calendars."""

import asyncio
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import click

from alerts import contacts, duties, schedule_csv, schedule_ical
from alerts.channels.channel import Accepted, Page
from alerts.channels.configured import channels
from alerts.schedule import Duty, shifts
from alerts.schedule_csv import NotImported
from infra.main.cli import NO, Trouble
from infra.main.home import home_option, settings_of
from infra.main.roster import asked, moment, needed

UNFOLDED = timedelta(days=400)
"""How far ahead the recurrences of an imported calendar are written down; import it again within the year."""


@click.command()
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
    roster = needed(settings)
    if team not in roster.teams:
        raise Trouble(f"there is no team {team}", f"known are: {', '.join(roster.teams)}")
    for who in (person, instead_of):
        if who and who not in roster.people:
            raise Trouble(f"nobody is called {who}", f"known are: {', '.join(roster.people)}")
    duty = Duty(duty_id="", team=team, person=person, instead_of=instead_of, starts_at=moment(since, roster), ends_at=moment(until, roster))
    if not (person or instead_of) or duty.starts_at >= duty.ends_at:
        raise Trouble("nobody is named, or it ends before it starts", "say --person, --instead-of, --from and --until")
    number = asked(settings, lambda cursor: duties.agree(cursor, duty, by, settings.clock.clock().now()))
    click.echo(f"duty {number}; take it back: vigil oncall drop {number} --by NAME")


@click.command()
@home_option
@click.argument("duty_id")
@click.option("--by", required=True, help="Who takes it back.")
def drop(home: Path, duty_id: str, by: str) -> None:
    """Takes a swap back."""
    settings = settings_of(home)
    if not asked(settings, lambda cursor: duties.drop(cursor, duty_id, by, settings.clock.clock().now())):
        raise Trouble(f"there is no duty {duty_id}", "look in vigil.duties", NO)
    click.echo(f"duty {duty_id} is taken back")


@click.command()
@home_option
@click.argument("person")
@click.argument("channel")
@click.option("--code", help="What arrived there.  [default: send a new code]")
@click.option("--by", default="", help="Who says so.  [default: the person]")
@click.pass_context
def verify(context: click.Context, home: Path, person: str, channel: str, code: str | None, by: str) -> None:
    """Sends a code to PERSON by CHANNEL; with --code, marks that contact as verified. Exit status 1 where the code is wrong, or was refused."""
    settings = settings_of(home)
    roster = needed(settings)
    known = roster.people[person].contacts if person in roster.people else ()
    contact = next((one for one in known if one.channel == channel), None)
    if contact is None:
        raise Trouble(f"{person} has no contact by {channel}", "look at the on-call file: vigil oncall show")
    now = settings.clock.clock().now()
    if code is not None:
        right = asked(settings, lambda cursor: contacts.verify(cursor, person, contact, code, by or person, now))
        click.echo("verified" if right else "that is not the last code, or it is too old")
        context.exit(0 if right else NO)
    new = asked(settings, lambda cursor: contacts.new_code(cursor, person, contact, now))
    page = Page(page_id=f"code-{token_hex(8)}", tier="test", unit=f"code {new}", created_at=now, link="")
    sent = asyncio.run(channels(settings.page, model=settings.triton.model)[channel].send(page, contact.target))
    click.echo(
        f"sent; say it back: vigil oncall verify {person} {channel} --code CODE"
        if isinstance(sent, Accepted)
        else f"refused: {sent.detail}"
    )
    context.exit(0 if isinstance(sent, Accepted) else NO)


@click.command()
@home_option
@click.option("--team", multiple=True, help="Only these.  [default: all]")
@click.option("--from", "since", help="[default: now]")
@click.option("--days", type=click.IntRange(1, 3660), default=28, show_default=True)
@click.option("--format", "kind", type=click.Choice(["csv", "ics"]), default="csv", show_default=True)
def export(home: Path, team: tuple[str, ...], since: str | None, days: int, kind: str) -> None:
    """Writes the shifts to stdout, swaps included."""
    settings = settings_of(home)
    roster = needed(settings)
    begin = moment(since, roster) if since else settings.clock.clock().now()
    end = begin + timedelta(days=days)
    agreed = asked(settings, lambda cursor: duties.between(cursor, begin, end))
    unknown = [one for one in team if one not in roster.teams]
    if unknown:
        raise Trouble(f"there is no team {unknown[0]}", f"known are: {', '.join(roster.teams)}")
    found = [shift for one in team or roster.teams for shift in shifts(roster, agreed, one, begin, end)]
    click.echo(
        schedule_csv.written(found) if kind == "csv" else schedule_ical.written(found, roster, settings.clock.clock().now()), nl=False
    )


@click.command(name="import")
@home_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--team", help="Whose shifts they are, where the file does not say.")
@click.option("--by", required=True, help="Who brings them in.")
def bring_in(home: Path, file: Path, team: str | None, by: str) -> None:
    """Brings in shifts from a .csv or .ics file, in place of what a file of the same name brought before."""
    settings = settings_of(home)
    roster = needed(settings)
    now = settings.clock.clock().now()
    try:
        if file.suffix.lower() == ".ics":
            found = schedule_ical.read(file.read_bytes(), roster, file.name, team, now - timedelta(days=1), now + UNFOLDED)
        else:
            found = schedule_csv.read(file.read_text(encoding="utf-8"), roster, file.name)
    except (NotImported, UnicodeDecodeError) as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(f"{file}: {wrong}", remedy or "save it as UTF-8") from error
    asked(settings, lambda cursor: duties.bring_in(cursor, found, file.name, [team] if team else [], by, now))
    click.echo(f"{len(found)} shifts from {file.name}")
