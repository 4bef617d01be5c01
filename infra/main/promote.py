"""`vigil promote`: the standby under a home becomes the database that Vigil writes to."""

import json
from pathlib import Path

import click
import psycopg

from infra.local import postgres_server, standby
from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import home_option, json_option


@click.command()
@home_option
@json_option
def command(home: Path, as_json: bool) -> None:
    """Ends the following. Make sure first that the old database is down and stays down: what it still took in would be lost."""
    ports = home.absolute() / "ports.json"
    if not (home / "postgres" / "data").is_dir() or not ports.exists():
        raise Trouble(f"no standby lies under {home}", f"make one: vigil standby --of HOME --home {home}", NOT_THERE)
    port = int(json.loads(ports.read_text())["postgres"])
    try:
        standby.promote(port)
    except standby.NotAStandby as not_one:
        raise Trouble(
            f"the database under {home} follows nobody", f"let Vigil use it: database.url = {postgres_server.url(port)}"
        ) from not_one
    except psycopg.OperationalError as away:
        raise Trouble("the standby does not answer", f"start it: vigil standby --of HOME --home {home}", NOT_THERE) from away
    address = postgres_server.url(port)
    if as_json:
        click.echo(json.dumps({"url": address}))
    else:
        click.echo(f'promoted; write into the vigil.toml of the installation, and start it again:\n[database]\nurl = "{address}"')
