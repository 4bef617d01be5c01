"""`vigil listen`: the MLLP listener in the foreground, as production runs it."""

import asyncio
import resource
import signal
from pathlib import Path

import click
import uvloop
from prometheus_client import CollectorRegistry

from infra import logs
from infra.main.cli import NO, Trouble
from infra.main.home import home_option, settings_of
from infra.metrics import Metrics, serve
from infra.settings import Settings
from parsers.profile_files import ProfileFault
from streams.listener import Listener
from streams.producer import ConfirmingProducer

SPARE_FILES = 256
"""Descriptors beside those of the connections: Kafka, metrics, logs, libraries."""


@click.command()
@home_option
@click.pass_context
def command(context: click.Context, home: Path) -> None:
    """Takes HL7 over MLLP, puts it on Kafka, and acknowledges only then."""
    settings = settings_of(home)
    logs.configure("listen")
    allow_files(settings.listen.max_connections * len(settings.listen.feeds) + SPARE_FILES)
    try:
        metrics = Metrics(CollectorRegistry())
        serve(metrics, settings.listen.metrics_port)
        if not uvloop.run(_listen(settings, metrics)):
            context.exit(NO)
    except ProfileFault as fault:
        wrong, _, remedy = str(fault).partition("\n")
        raise Trouble(wrong, remedy) from fault
    except OSError as error:
        raise Trouble(
            f"the listener cannot start: {error.strerror or error}", f"look at its ports and certificates: vigil settings --home {home}"
        ) from error


def allow_files(needed: int) -> None:
    """Raises this process's own limit of open files so far as the system lets it; the usual 1,024 is below a thousand connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else min(needed, hard), hard))


async def _listen(settings: Settings, metrics: Metrics) -> bool:
    """Until it is told to stop, or cannot go on: False, and whoever supervises it starts a new one."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    producer = ConfirmingProducer(settings.kafka, settings.listen, loop)
    listener = Listener(settings.listen, producer, metrics, settings.clock.clock().now)
    await listener.start()
    ends = [loop.create_task(event.wait()) for event in (stopping, producer.failed)]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
    await listener.stop()
    return not producer.failed.is_set()
