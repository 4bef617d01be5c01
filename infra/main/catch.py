"""`vigil catch`: local catchers for pages, for the demo (where simulated clinicians answer them) and for trying a channel out."""

import asyncio
import signal
from pathlib import Path
from random import SystemRandom

import click

from alerts.catchers import Book, serve
from alerts.clinicians import Clinicians
from infra.main.home import home_option, settings_of
from infra.main.installation import plan_of


@click.command()
@home_option
@click.option("--snpp-port", type=int, default=0)
@click.option("--smtp-port", type=int, default=0)
@click.option("--http-port", type=int, default=0)
def command(home: Path, snpp_port: int, smtp_port: int, http_port: int) -> None:
    """Takes pages by SNPP, mail and web hook, writes them to HOME/pages.jsonl and prints them."""
    home.mkdir(parents=True, exist_ok=True)
    asyncio.run(_catch(home, (snpp_port, smtp_port, http_port)))


async def _catch(home: Path, ports: tuple[int, int, int]) -> None:
    plan = plan_of(home)
    clinicians = Clinicians(settings_of(home).clock.clock(), SystemRandom()) if plan is not None and plan.demo else None

    def caught(line: str) -> None:
        click.echo(line)
        if clinicians is not None:
            clinicians.heard(line)

    book = Book(home / "pages.jsonl", caught)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await serve(book, ports, stopping)
