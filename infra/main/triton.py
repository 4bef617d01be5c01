"""`vigil triton`: the local Triton in the foreground, watched by real inference; what was altered or is of another schema is not served."""

import signal
import sys
import threading
from pathlib import Path

import click

from infra import logs
from infra.local import triton_server
from infra.logs import logger
from infra.main.home import home_option, settings_of
from infra.main.models import lay_out, served_folder

log = logger("infra")


@click.command()
@home_option
def command(home: Path) -> None:
    """Serves the model repository; ends, to be started again, when the model stops answering and loading it anew does not help."""
    whole = settings_of(home)
    settings = whole.triton
    logs.configure("triton")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    for one in lay_out(whole):
        if one.refused is not None:
            log.error("model_refused", model=one.model, number=one.number, reason=one.refused.reason, detail=str(one.refused))
    ports = [int(address.rpartition(":")[2]) for address in (settings.grpc.partition(",")[0], settings.http)]
    server = triton_server.start(served_folder(whole), ports[0], ports[1], settings.metrics_port)
    sys.exit(
        triton_server.watch(
            server, settings.grpc.partition(",")[0], [one for one in (settings.model, settings.sequence) if one], stopping.wait
        )
    )
