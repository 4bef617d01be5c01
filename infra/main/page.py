"""`vigil page`: the pager in the foreground; `vigil page test` sends one, `vigil page ack` acknowledges one."""

import asyncio
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import click
from prometheus_client import CollectorRegistry

from alerts import answers
from alerts.channels.channel import Accepted, Channel, Page
from alerts.channels.configured import ChannelError, channels
from alerts.pager import Pager
from infra import logs
from infra.database.connect import connect, connect_patiently
from infra.main.cli import NO, Trouble
from infra.main.home import home_option, needs_system, settings_of
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
    )
    await pager.run(stopping)


def _channels(settings: Settings) -> Mapping[str, Channel]:
    try:
        return channels(settings.page)
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
@click.pass_context
def ack(context: click.Context, home: Path, page_id: str, by: str) -> None:
    """Acknowledges the episode behind PAGE_ID."""
    settings = needs_system(settings_of(home))
    with connect_patiently(settings.database.url, application="vigil-page-ack", wait_s=10) as connection:
        outcome, seen = answers.acknowledge(connection, page_id, by, settings.clock.clock().now())
    if seen is None:
        raise Trouble(f"there is no page {page_id}", "look in vigil.pages", exit_code=NO)
    click.echo(f"{outcome}: {seen.tier} {seen.unit or ''}, by {seen.acknowledged_by}")
    context.exit(0)
