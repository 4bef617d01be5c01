"""`vigil down`: stops everything under a home, cleanly."""

from pathlib import Path

import click

from infra.local import supervision
from infra.main.home import home_option


@click.command()
@home_option
def command(home: Path) -> None:
    """Stops the ward first, then the listener, the workers, the pagers and the board, then the servers."""
    stopped = supervision.stop(home.absolute())
    click.echo(f"stopped everything under {home}" if stopped else f"nothing was running under {home}", err=True)
