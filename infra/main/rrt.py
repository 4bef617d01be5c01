"""`vigil rrt`: the rapid-response team is called, arrives, ends or cancels a call; cardiac arrests; the figures that teams report."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar, get_args
from zoneinfo import ZoneInfo

import click
import msgspec
import psycopg
from prometheus_client import CollectorRegistry

from alerts import rapid_response
from alerts.rapid_response import Result
from alerts.response_figures import report as figures
from alerts.response_lists import CalledFor, CancelReason, Disposition
from alerts.steps import Steps
from infra.database.connect import DatabaseAway, connect_patiently
from infra.main.cli import NO, NOT_THERE, Trouble
from infra.main.home import home_option, json_option, needs_system, settings_of
from infra.main.roster import asked, following, roster_of
from infra.main.rrt_report import html, text
from infra.metrics import Metrics
from infra.settings import Settings

T = TypeVar("T")
by_option = click.option("--by", required=True, help="Who says so.")
at_option = click.option("--at", help="Another time than now, ISO 8601; without offset the hospital's wall clock.")


@click.group()
def command() -> None:
    """Calls the rapid-response team and follows its calls; tells its figures."""


@command.command()
@home_option
@json_option
@click.option("--page", "page_id", help="Called from an alert: the page's id.")
@click.option("--unit", help="Called by hand: where to.")
@click.option("--bed", help="As messages name it, room and bed joined by a hyphen.")
@click.option("--for", "called_for", type=click.Choice(get_args(CalledFor)), default="worried", show_default=True)
@by_option
def activate(home: Path, as_json: bool, page_id: str | None, unit: str | None, bed: str | None, called_for: CalledFor, by: str) -> None:
    """Calls the team, to the patient of a page or to a place; where it is called already, says so and calls nobody twice."""
    settings = needs_system(settings_of(home))
    if bool(page_id) == bool(unit):
        raise Trouble("where to?", "say --page PAGE_ID, or --unit UNIT and --bed BED")
    steps = Steps(following(settings), settings.page.routes, Metrics(CollectorRegistry()), settings.page.fallback_s)
    now = settings.clock.clock().now()

    def call(cursor: psycopg.Cursor) -> rapid_response.Called | None:
        if page_id:
            return rapid_response.activate_for_page(cursor, steps, page_id, called_for, by, now)
        return rapid_response.activate(cursor, steps, rapid_response.at_bed(cursor, unit or "", bed), called_for, by, now)

    called = asked(settings, call)
    if called is None:
        raise Trouble(f"there is no page {page_id}", "look in vigil.pages", NO)
    if not called.paged:
        raise Trouble(
            "NOBODY IS PAGED: no route and no line for the tier rapid_response", "call by telephone, and set page.routes or page.oncall", NO
        )
    click.echo(
        msgspec.json.encode(called).decode() if as_json else f"{'called' if called.new else 'called already'}: {called.call_id}",
    )


@command.command()
@home_option
@click.argument("call_id")
@by_option
@at_option
@click.pass_context
def arrive(context: click.Context, home: Path, call_id: str, by: str, at: str | None) -> None:
    """Says that the team is with the patient of CALL_ID."""
    settings = needs_system(settings_of(home))
    when = _when(settings, at)
    _tell(context, call_id, _given(settings, lambda connection: rapid_response.arrive(connection, call_id, by, when)))


@command.command(name="close")
@home_option
@click.argument("call_id")
@click.option("--disposition", type=click.Choice(get_args(Disposition)), required=True, help="Where the patient is now.")
@by_option
@click.pass_context
def end(context: click.Context, home: Path, call_id: str, disposition: Disposition, by: str) -> None:
    """Ends CALL_ID: the team leaves."""
    settings = needs_system(settings_of(home))
    now = settings.clock.clock().now()
    _tell(context, call_id, _given(settings, lambda connection: rapid_response.end(connection, call_id, disposition, by, now)))


@command.command()
@home_option
@click.argument("call_id")
@click.option("--reason", type=click.Choice(get_args(CancelReason)), required=True)
@by_option
@click.pass_context
def cancel(context: click.Context, home: Path, call_id: str, reason: CancelReason, by: str) -> None:
    """Cancels CALL_ID: nobody need come."""
    settings = needs_system(settings_of(home))
    now = settings.clock.clock().now()
    _tell(context, call_id, _given(settings, lambda connection: rapid_response.cancel(connection, call_id, reason, by, now)))


@command.command()
@home_option
@click.option("--unit", required=True)
@click.option("--bed")
@at_option
@by_option
def arrest(home: Path, unit: str, bed: str | None, at: str | None, by: str) -> None:
    """Writes a cardiac arrest down. Resuscitations that are ordered or coded (vigil_store.arrest_code) count without."""
    settings = needs_system(settings_of(home))
    when, now = _when(settings, at), settings.clock.clock().now()
    if when > now:
        raise Trouble(f"{when.isoformat()} is still to come", "say when it was with --at")
    new = asked(settings, lambda cursor: rapid_response.arrest(cursor, rapid_response.at_bed(cursor, unit, bed), when, by, now))
    click.echo("written down" if new else "is there already")


@command.command(name="list")
@home_option
@json_option
def show(home: Path, as_json: bool) -> None:
    """Lists the calls that are neither ended nor cancelled, the newest first; with --json one a line."""
    settings = needs_system(settings_of(home))
    since = settings.clock.clock().now() - rapid_response.SHOWN
    for one in asked(settings, lambda cursor: rapid_response.calls(cursor, since)):
        if as_json:
            click.echo(msgspec.json.encode(one).decode())
            continue
        state = "there" if one.arrived_at else "acknowledged" if one.acknowledged_at else "paged" if one.paged_at else "being paged"
        click.echo(
            f"{one.call_id}  {one.called_at:%Y-%m-%d %H:%M}  {one.unit or '?'} {one.bed or ''}  {one.called_for or 'alert'}  {state}"
        )


@command.command()
@home_option
@json_option
@click.option("--from", "since", help="ISO 8601; without offset the hospital's wall clock.  [default: everything]")
@click.option("--to", "until", help="The first instant that no longer counts.  [default: now]")
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Also writes the report there, as one page.")
def report(home: Path, as_json: bool, since: str | None, until: str | None, page: Path | None) -> None:
    """Calls per 1,000 admissions, times from alert to page, acknowledgement and arrival, and cardiac arrests outside intensive care, by month and unit."""
    settings = needs_system(settings_of(home))
    zone = _zone(settings)
    begin = _moment(since, zone) if since else datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
    end_at = _moment(until, zone) if until else settings.clock.clock().now()
    calls, arrests, admissions = asked(settings, lambda cursor: rapid_response.measured(cursor, begin, end_at))
    found = figures(calls, arrests, admissions, settings.rrt.icu_units, zone)
    if page is not None:
        page.write_text(html(found, settings.rrt.icu_units), encoding="utf-8")
    answer = {"figures": found, "icu_units": settings.rrt.icu_units, "timezone": str(zone)}
    click.echo(msgspec.json.encode(answer).decode() if as_json else text(found, settings.rrt.icu_units))


def _zone(settings: Settings) -> ZoneInfo:
    roster = roster_of(settings)
    return ZoneInfo(roster.timezone if roster is not None else "UTC")


def _when(settings: Settings, at: str | None) -> datetime:
    return _moment(at, _zone(settings)) if at else settings.clock.clock().now()


def _moment(said: str, zone: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(said)
    except ValueError as error:
        raise Trouble(f"{said} is no time", "write it like 2026-03-01T08:00, or with an offset like 2026-03-01T08:00+00:00") from error
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _given(settings: Settings, answer: Callable[[psycopg.Connection], T]) -> T:
    try:
        with connect_patiently(settings.database.url, application="vigil-rrt", wait_s=10) as connection:
            return answer(connection)
    except DatabaseAway as away:
        raise Trouble(str(away), "look at it: vigil status", NOT_THERE) from away


def _tell(context: click.Context, call_id: str, result: Result) -> None:
    """Exit status 1 where there is no such call, or nothing left to say about it."""
    if result == "unknown":
        raise Trouble(f"there is no call {call_id}", "look for it: vigil rrt list", NO)
    click.echo({"done": "written down", "already": "is so already", "over": "that call is over"}[result])
    context.exit(NO if result == "over" else 0)
