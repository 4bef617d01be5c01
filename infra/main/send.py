"""`vigil send`: sends HL7 files to a listener and tells how each message was answered."""

from pathlib import Path

import click
import msgspec
import uvloop

from infra.main.cli import NO, NOT_THERE, Trouble
from infra.main.home import home_option, json_option, settings_of
from parsers.batches import split_batch
from streams.sender import SendReport, send_all


@click.command()
@home_option
@json_option
@click.option("--to", metavar="HOST:PORT", help="The listener.  [default: the first feed under --home]")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Messages a second, over all connections.")
@click.option("--connections", type=click.IntRange(1, 1000), default=1, show_default=True)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.pass_context
def command(
    context: click.Context, home: Path, as_json: bool, to: str | None, rate: float | None, connections: int, paths: tuple[Path, ...]
) -> None:
    """Sends every message in PATHS (files or folders; framed, batch, CR, LF or CRLF) and waits for each acknowledgement."""
    host, port = address_of(home, to)
    messages = [message for path in files_in(paths) for message in split_batch(path.read_bytes())]
    report = uvloop.run(_send(messages, host, port, connections, rate))
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        click.echo(
            f"{report.sent} of {len(messages)} answered in {report.seconds} s: {report.aa} AA, {report.ae} AE, {report.ar} AR; {report.no_ack} without an answer"
        )
    if report.no_ack:
        click.echo(f"{report.no_ack} messages were not answered by {host}:{port}\nlook at it: vigil status --home {home}", err=True)
        context.exit(NO)


async def _send(messages: list[bytes], host: str, port: int, connections: int, rate: float | None) -> SendReport:
    return await send_all(messages, host=host, port=port, connections=connections, rate=rate)


def files_in(paths: tuple[Path, ...]) -> list[Path]:
    """The files named, and those below the folders named, in order."""
    return [file for path in paths for file in (sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path])]


def address_of(home: Path, to: str | None) -> tuple[str, int]:
    """Where the listener is: as told, else the first feed of the installation under `home`."""
    if to is not None:
        host, _, port = to.rpartition(":")
        if not host or not port.isdigit():
            raise Trouble(f"{to} is no HOST:PORT", "write it like 127.0.0.1:2575")
        return host, int(port)
    feed = settings_of(home).listen.feeds[0]
    if feed.port == 0:
        raise Trouble(f"nothing listens under {home}", f"start it: vigil up --home {home}", exit_code=NOT_THERE)
    return feed.host, feed.port
