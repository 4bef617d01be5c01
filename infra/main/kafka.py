"""`vigil kafka`: the local Kafka in the foreground."""

from pathlib import Path

import click

from infra.local import kafka_server
from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import home_option, settings_of
from infra.main.installation import plan_of


@click.command()
@home_option
def command(home: Path) -> None:
    """Becomes the broker that `vigil up` planned."""
    home = home.absolute()
    plan = plan_of(home)
    if plan is None:
        raise Trouble(f"nothing is planned under {home}", f"start it: vigil up --home {home}", NOT_THERE)
    kafka_server.run(home / "kafka", plan.ports["kafka"], plan.ports["kafka_controller"], settings_of(home).kafka)
