"""`vigil board`: the board in the foreground."""

from pathlib import Path

import click
from aiohttp import web
from prometheus_client import CollectorRegistry

from alerts.board.app import Board
from alerts.board.providers import Providers
from infra import logs
from infra.database.connect import connect
from infra.main.home import home_option, needs_system, settings_of
from infra.main.page import link_base
from infra.main.roster import following
from infra.metrics import Metrics


@click.command()
@home_option
def command(home: Path) -> None:
    """Shows the ward in a browser, and the page behind each alert's link."""
    settings = needs_system(settings_of(home))
    logs.configure("board")
    metrics = Metrics(CollectorRegistry())
    board = Board(
        lambda: connect(settings.database.url, application="vigil-board"), metrics, settings.clock.clock().now,
        following(settings), settings.page.routes,
    )  # fmt: skip
    application = board.application()
    Providers(
        lambda: connect(settings.database.url, application="vigil-board"), settings.page.channels, link_base(settings), metrics,
        settings.clock.clock().now,
    ).add_to(application)  # fmt: skip
    web.run_app(application, host=settings.board.host, port=settings.board.port, print=None, access_log=None)
