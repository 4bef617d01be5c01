"""`vigil page`: the pager in the foreground; `vigil page test` sends one; `ack`, `decline`, `bedside`, `outcome`, `handover` and `mute` answer one."""

import asyncio
import signal
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import get_args

import click
from prometheus_client import CollectorRegistry

from alerts import answers, mutes
from alerts.answers import Answer, Seen
from alerts.channels.channel import Accepted, Channel, Page
from alerts.channels.configured import ChannelError, answering, channels
from alerts.pager import Pager
from infra import logs
from infra.database import racing
from infra.database.connect import connect, connect_patiently
from infra.main.cli import NO, Trouble
from infra.main.home import home_option, needs_system, settings_of
from infra.main.roster import following, needed
from infra.metrics import Metrics, serve
from infra.settings import Settings


@click.group(invoke_without_command=True)
@home_option
@click.option("--metrics-port", type=int)
@click.pass_context
def command(context: click.Context, home: Path, metrics_port: int | None) -> None:
    """Delivers pages until each is accepted or given up, visibly."""
    if context.invoked_subcommand is not None:
        return
    settings = needs_system(settings_of(home))
    logs.configure("page")
    metrics = Metrics(CollectorRegistry())
    serve(metrics, settings.page.metrics_port if metrics_port is None else metrics_port)
    asyncio.run(_run(settings, metrics))


async def _run(settings: Settings, metrics: Metrics) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    ways = _channels(settings)
    pager = Pager(
        lambda: connect(settings.database.url, application="vigil-page"),
        ways,
        settings.page,
        metrics,
        link_base(settings),
        settings.clock.clock().now,
        following(settings),
        answering(settings.page, ways),
    )
    await pager.run(stopping)


def _channels(settings: Settings) -> Mapping[str, Channel]:
    try:
        return channels(settings.page, link_base(settings), settings.triton.model)
    except ChannelError as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(wrong, remedy) from error


def link_base(settings: Settings) -> str:
    """What a page's link begins with."""
    return settings.board.public_url.rstrip("/") or f"http://{settings.board.host}:{settings.board.port}"


@command.command()
@home_option
@click.argument("channel")
@click.argument("target")
@click.pass_context
def test(context: click.Context, home: Path, channel: str, target: str) -> None:
    """Sends a test page by CHANNEL to TARGET and tells what the provider answered."""
    settings = settings_of(home)
    ways = _channels(settings)
    if channel not in ways:
        raise Trouble(f"there is no channel {channel}", f"known are: {', '.join(sorted(ways)) or 'none; set page.channels in vigil.toml'}")
    page = Page(
        page_id=f"test-{token_hex(8)}", tier="test", unit="TEST", created_at=datetime.now(UTC), link=f"{link_base(settings)}/"
    )  # fmt: skip
    outcome = asyncio.run(ways[channel].send(page, target))
    if isinstance(outcome, Accepted):
        click.echo(f"accepted by {channel}: {outcome.provider_ref or 'no reference'}")
        return
    click.echo(
        f"refused by {channel}: {outcome.detail}\n{'correct the target' if outcome.permanent else 'try again, or look at the provider'}",
        err=True,
    )
    context.exit(NO)


@command.command()
@home_option
@click.argument("page_id")
@click.option("--by", required=True, help="Who answers.")
def ack(home: Path, page_id: str, by: str) -> None:
    """Acknowledges the episode behind PAGE_ID."""
    settings = needs_system(settings_of(home))
    with connect_patiently(settings.database.url, application="vigil-page-ack", wait_s=10) as connection:
        outcome, seen = racing.done(lambda: answers.acknowledge(connection, page_id, by, settings.clock.clock().now(), "cli"))
    found = _known(page_id, seen)
    click.echo(f"{outcome}: {found.tier} {found.unit or ''}, by {found.acknowledged_by}")


@command.command()
@home_option
@click.argument("page_id")
@click.option("--by", required=True, help="Who answers.")
@click.pass_context
def decline(context: click.Context, home: Path, page_id: str, by: str) -> None:
    """Says that whoever got PAGE_ID will not come; the next person is paged at once. Exit status 1 where it is answered or over already."""
    result, seen = _give(home, page_id, Answer(kind="decline", by=by, via="cli"))
    click.echo({"taken": "declined", "already": "already declined"}.get(result, "over") + f": {seen.tier} {seen.unit or ''}")
    context.exit(NO if result == "over" else 0)


@command.command()
@home_option
@click.argument("page_id")
@click.option("--by", required=True, help="Who is there.")
def bedside(home: Path, page_id: str, by: str) -> None:
    """Says that somebody is with the patient of PAGE_ID."""
    result, seen = _give(home, page_id, Answer(kind="bedside", by=by, via="cli"))
    click.echo(f"{result}: {seen.tier} {seen.unit or ''}, {seen.bedside_by or by} is there")


@command.command()
@home_option
@click.argument("page_id")
@click.argument("what", type=click.Choice(get_args(answers.Outcome)))
@click.option("--action", type=click.Choice(get_args(answers.Action)), default="none", show_default=True, help="What was done.")
@click.option("--by", required=True, help="Who says so.")
def outcome(home: Path, page_id: str, what: answers.Outcome, action: answers.Action, by: str) -> None:
    """Records how the episode of PAGE_ID turned out: a true alarm, known before, false, or comfort care."""
    result, seen = _give(home, page_id, Answer(kind="outcome", by=by, via="cli", outcome=what, action=action))
    click.echo(f"{result}: {seen.tier} {seen.unit or ''}, {seen.outcome} ({seen.outcome_action}), by {seen.outcome_by}")


@command.command()
@home_option
@click.argument("page_id")
@click.option("--to", "person", required=True, help="A person of the on-call file.")
@click.option("--by", required=True, help="Who hands it over.")
@click.pass_context
def handover(context: click.Context, home: Path, page_id: str, person: str, by: str) -> None:
    """Hands the episode behind PAGE_ID over to a person, who is paged; it stays where it is until that one acknowledges. Exit status 1 where it is over."""
    settings = needs_system(settings_of(home))
    people = needed(settings).people
    if person not in people:
        raise Trouble(f"nobody is called {person}", f"known are: {', '.join(people)}")
    with connect_patiently(settings.database.url, application="vigil-page-handover", wait_s=10) as connection:
        result, seen = answers.hand_over(connection, page_id, person, people[person].contacts, by, settings.clock.clock().now())
    found = _known(page_id, seen)
    said = {"offered": f"{person} is paged", "already": f"{person} has been asked already"}.get(result, "over")
    click.echo(f"{said}: {found.tier} {found.unit or ''}")
    context.exit(NO if result == "over" else 0)


@command.command()
@home_option
@click.argument("page_id")
@click.option("--reason", type=click.Choice(get_args(mutes.MuteReason)), required=True)
@click.option("--hours", type=click.FloatRange(min=0, min_open=True, max=72), default=4.0, show_default=True)
@click.option("--by", required=True, help="Who takes the responsibility.")
def mute(home: Path, page_id: str, reason: mutes.MuteReason, hours: float, by: str) -> None:
    """Acknowledges PAGE_ID and pages nobody about that patient for a while; what is not paged is kept in vigil.suppressed."""
    settings = needs_system(settings_of(home))
    _, seen = _give(home, page_id, Answer(kind="acknowledge", by=by, via="cli"))
    now = settings.clock.clock().now()
    until = now + timedelta(hours=hours)
    with connect_patiently(settings.database.url, application="vigil-page-mute", wait_s=10) as connection, connection.cursor() as cursor:
        mutes.mute(cursor, seen.episode_id, reason, until, by, now)
    click.echo(f"muted until {until.isoformat()}; end it earlier: vigil page unmute {page_id} --by NAME")


@command.command()
@home_option
@click.argument("page_id")
@click.option("--by", required=True)
@click.pass_context
def unmute(context: click.Context, home: Path, page_id: str, by: str) -> None:
    """Ends every mute of the patient of PAGE_ID. Exit status 1 where there was none."""
    settings = needs_system(settings_of(home))
    with connect_patiently(settings.database.url, application="vigil-page-mute", wait_s=10) as connection, connection.cursor() as cursor:
        seen = _known(page_id, answers.look(cursor, page_id))
        ended = mutes.lift(cursor, seen.episode_id, by, settings.clock.clock().now())
    click.echo(f"{ended} ended")
    context.exit(0 if ended else NO)


def _give(home: Path, page_id: str, answer: Answer) -> tuple[answers.Result, Seen]:
    settings = needs_system(settings_of(home))
    with connect_patiently(settings.database.url, application="vigil-page-answer", wait_s=10) as connection:
        result, seen = racing.done(lambda: answers.give(connection, page_id, answer, settings.clock.clock().now()))
    return result, _known(page_id, seen)


def _known(page_id: str, seen: Seen | None) -> Seen:
    if seen is None:
        raise Trouble(f"there is no page {page_id}", "look in vigil.pages", exit_code=NO)
    return seen
