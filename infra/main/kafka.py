"""`vigil kafka`: the local Kafka in the foreground."""

from pathlib import Path

import click

from infra.local import kafka_server
from infra.local.programs import numbered
from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import home_option, settings_of
from infra.main.installation import plan_of


@click.command()
@home_option
@click.option("--node", type=click.IntRange(1, 3), default=1, show_default=True, help="Which of the planned brokers.")
def command(home: Path, node: int) -> None:
    """Becomes a broker that `vigil up` planned."""
    home = home.absolute()
    plan = plan_of(home)
    if plan is None or node > plan.brokers:
        raise Trouble(f"no broker {node} is planned under {home}", f"start it: vigil up --home {home}", NOT_THERE)
    folder = home / numbered("kafka", node)[-1]
    kafka_server.run(folder, plan.cluster_id, node, plan.cluster(), settings_of(home).kafka)
