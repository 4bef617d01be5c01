"""`vigil triton`: the local Triton in the foreground, watched by real inference."""

import signal
import sys
import threading
from pathlib import Path

import click

from infra import logs
from infra.local import triton_server
from infra.main.home import home_option, settings_of
from scoring.models.metadata import SHIPPED


@click.command()
@home_option
def command(home: Path) -> None:
    """Serves the model repository; ends, to be started again, when the model stops answering and loading it anew does not help."""
    settings = settings_of(home).triton
    logs.configure("triton")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    repository = Path(settings.repository) if settings.repository else SHIPPED
    ports = [int(address.rpartition(":")[2]) for address in (settings.grpc, settings.http)]
    server = triton_server.start(repository, ports[0], ports[1], settings.metrics_port)
    sys.exit(triton_server.watch(server, settings.grpc, settings.model, stopping.wait))
