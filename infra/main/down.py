"""`vigil down`: stops everything under a home, cleanly."""

from pathlib import Path

import click

from infra.local import supervision
from infra.main.home import home_option, settings_of
from infra.main.installation import remember


@click.command()
@home_option
def command(home: Path) -> None:
    """Stops the ward first, then the listener, the workers, the pagers and the board, then the servers."""
    home = home.absolute()
    stopped = supervision.stop(home)
    if stopped:  # what was written while it stopped is not later than this
        remember(home, settings_of(home).clock.clock().now())
    click.echo(f"stopped everything under {home}" if stopped else f"nothing was running under {home}", err=True)
