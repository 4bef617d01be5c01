"""`vigil catch`: local catchers for pages, for the demo and for trying a channel out."""

import asyncio
import signal
from pathlib import Path

import click

from alerts.catchers import Book, serve
from infra.main.home import home_option


@click.command()
@home_option
@click.option("--snpp-port", type=int, default=0)
@click.option("--smtp-port", type=int, default=0)
@click.option("--http-port", type=int, default=0)
def command(home: Path, snpp_port: int, smtp_port: int, http_port: int) -> None:
    """Takes pages by SNPP, mail and web hook, writes them to HOME/pages.jsonl and prints them."""
    home.mkdir(parents=True, exist_ok=True)
    asyncio.run(_catch(Book(home / "pages.jsonl", click.echo), (snpp_port, smtp_port, http_port)))


async def _catch(book: Book, ports: tuple[int, int, int]) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await serve(book, ports, stopping)
