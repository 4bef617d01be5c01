"""`vigil postgres`: the local PostgreSQL in the foreground."""

from pathlib import Path

import click

from infra.local import postgres_server
from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import home_option, settings_of
from infra.main.installation import plan_of


@click.command()
@home_option
def command(home: Path) -> None:
    """Becomes the server that `vigil up` planned."""
    home = home.absolute()
    plan = plan_of(home)
    if plan is None or not plan.local_database:
        raise Trouble(f"no local database is planned under {home}", f"start it: vigil up --home {home}", NOT_THERE)
    postgres_server.run(home / "postgres", plan.ports["postgres"], archive_of(home))


def archive_of(home: Path) -> Path | None:
    """The folder to which the local server's log goes, None where it goes nowhere; a relative one lies under the home."""
    folder = settings_of(home).database.wal_archive
    return home.absolute() / folder if folder else None
