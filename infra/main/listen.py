"""`vigil listen`: the MLLP listener in the foreground, as production runs it."""

import asyncio
import signal
from pathlib import Path

import click
import uvloop
from prometheus_client import CollectorRegistry

from infra import logs
from infra.main.home import home_option, settings_of
from infra.metrics import Metrics, serve
from infra.settings import Settings
from streams.listener import Listener
from streams.producer import ConfirmingProducer


@click.command()
@home_option
def command(home: Path) -> None:
    """Takes HL7 over MLLP, puts it on Kafka, and acknowledges only then."""
    settings = settings_of(home)
    logs.configure("listen")
    metrics = Metrics(CollectorRegistry())
    serve(metrics, settings.listen.metrics_port)
    uvloop.run(_listen(settings, metrics))


async def _listen(settings: Settings, metrics: Metrics) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    producer = ConfirmingProducer(settings.kafka, settings.listen, loop)
    listener = Listener(settings.listen, producer, metrics, settings.clock.clock().now)
    await listener.start()
    await stopping.wait()
    await listener.stop()
