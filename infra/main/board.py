"""`vigil board`: the board in the foreground; `grant`, `revoke` and `access` say who may open it from elsewhere than this machine."""

import getpass
from pathlib import Path

import click
from aiohttp import web
from prometheus_client import CollectorRegistry

from alerts.board import access, sign_in
from alerts.board.app import Board
from alerts.board.providers import Providers
from infra import logs
from infra.database.connect import connect, connect_patiently
from infra.main.cli import NO, Trouble
from infra.main.home import home_option, needs_system, settings_of
from infra.main.page import link_base
from infra.main.roster import following
from infra.metrics import Metrics
from infra.settings import Settings

by_option = click.option("--by", default=getpass.getuser, show_default="the user", help="Who decides; it goes into the audit log.")


@click.group(invoke_without_command=True)
@home_option
@click.pass_context
def command(context: click.Context, home: Path) -> None:
    """Shows the ward in a browser, and the page behind each alert's link."""
    if context.invoked_subcommand is not None:
        return
    settings = needs_system(settings_of(home))
    _may_open(settings)
    logs.configure("board")
    metrics = Metrics(CollectorRegistry())
    board = Board(
        lambda: connect(settings.database.url, application="vigil-board"), metrics, settings.clock.clock().now,
        following(settings), settings.page.routes, settings.board,
    )  # fmt: skip
    application = board.application()
    Providers(
        lambda: connect(settings.database.url, application="vigil-board"), settings.page.channels, link_base(settings), metrics,
        settings.clock.clock().now,
    ).add_to(application)  # fmt: skip
    web.run_app(application, host=settings.board.host, port=settings.board.port, print=None, access_log=None)


def _may_open(settings: Settings) -> None:
    """The database is asked only where it matters, so that a board on one's own machine starts without it."""
    granted = 0
    if sign_in.asks(settings.board) and not settings.board.user_header:
        with connect_patiently(settings.database.url, application="vigil-board") as connection, connection.cursor() as cursor:
            granted = len(access.everybody(cursor))
    try:
        sign_in.check(settings.board, granted)
    except sign_in.SignInError as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(wrong, remedy) from error


@command.command()
@home_option
@by_option
@click.argument("name")
def grant(home: Path, by: str, name: str) -> None:
    """Gives NAME a secret that opens the board; it is shown this once, and one that NAME had is void."""
    settings = needs_system(settings_of(home))
    if not name.strip() or not name.isprintable():
        raise Trouble("a name is one line of what can be printed", 'write it like "Sister Reed"')
    with connect_patiently(settings.database.url, application="vigil-board-access", wait_s=10) as connection, connection.cursor() as cursor:
        click.echo(access.grant(cursor, name.strip()[:60], by, settings.clock.clock().now()))


@command.command()
@home_option
@by_option
@click.argument("name")
@click.pass_context
def revoke(context: click.Context, home: Path, by: str, name: str) -> None:
    """Takes NAME's secret back at once. Exit status 1 where there was none."""
    settings = needs_system(settings_of(home))
    with connect_patiently(settings.database.url, application="vigil-board-access", wait_s=10) as connection, connection.cursor() as cursor:
        gone = access.revoke(cursor, name, by, settings.clock.clock().now())
    click.echo(f"{name} cannot open the board any more" if gone else f"{name} had no secret")
    context.exit(0 if gone else NO)


@command.command(name="access")
@home_option
def listed(home: Path) -> None:
    """Who has a secret, since when, and who granted it."""
    settings = needs_system(settings_of(home))
    with connect_patiently(settings.database.url, application="vigil-board-access", wait_s=10) as connection, connection.cursor() as cursor:
        for name, since, by in access.everybody(cursor):
            click.echo(f"{name}  since {since:%Y-%m-%d %H:%M}, by {by}")
