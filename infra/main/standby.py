"""`vigil standby`: a second database that follows the one of another home, in the foreground, as production runs it."""

from pathlib import Path

import click
import psycopg

from infra.local import ports as free_ports
from infra.local import postgres_server, standby
from infra.local.base_backup import BackupFailed
from infra.main.backup import own_database
from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import home_option


@click.command()
@home_option
@click.option(
    "--of", "primary", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="The home that it follows."
)
def command(home: Path, primary: Path) -> None:
    """Copies the database of the other home on first use, then follows it. `vigil promote` makes it the one that Vigil writes to."""
    home = home.absolute()
    if (home / "plan.json").exists():
        raise Trouble(f"{home} is an installation of its own", "give the standby another --home, best on another disk")
    try:
        if not standby.made(home / "postgres"):
            standby.make(own_database(primary.absolute()), home / "postgres")
    except psycopg.OperationalError as away:
        raise Trouble("the database to follow does not answer", f"look at it: vigil status --home {primary}", NOT_THERE) from away
    except BackupFailed as failed:
        wrong, _, said = str(failed).partition("\n")
        raise Trouble(wrong, said, NOT_THERE) from failed
    port = port_of(home)
    click.echo(f"standing by at {postgres_server.url(port)}; let it take over: vigil promote --home {home}", err=True)
    postgres_server.run(home / "postgres", port)


def port_of(home: Path) -> int:
    """The standby's port: the same every time, so long as nobody else takes it."""
    return free_ports.choose(home / "ports.json", ["postgres"])["postgres"]
