"""`vigil work`: the Faust worker in the foreground, as production runs it."""

import sys
from pathlib import Path

import click
import faust
from prometheus_client import CollectorRegistry

from infra import logs
from infra.main import wiring
from infra.main.home import home_option, needs_system, settings_of
from infra.metrics import Metrics, serve


@click.command()
@home_option
@click.option(
    "--instance", help="This worker's name in the consumer group; must differ between workers.  [default: work.instance of the settings]"
)
@click.option("--metrics-port", type=int, help="Where /metrics is served.  [default: work.metrics_port of the settings]")
def command(home: Path, instance: str | None, metrics_port: int | None) -> None:
    """Reads Kafka, keeps each patient's state, scores, and decides who is paged."""
    settings = wiring.with_worker(needs_system(settings_of(home)), instance, metrics_port)
    logs.configure("work")
    metrics = Metrics(CollectorRegistry())
    serve(metrics, settings.work.metrics_port)
    app = wiring.worker(settings, metrics)
    # At WARN Faust draws a spinner, for which it sets the root logger to DEBUG, and every fetch then formats its debug lines (measured: 3 % of the CPU).
    faust.Worker(app, loglevel="INFO", redirect_stdouts=False, quiet=True, logging_config=logs.standard_config()).execute_from_commandline()
    sys.exit(0)
