"""`vigil send`: sends HL7 files to a listener and tells how each message was answered."""

import ssl
from pathlib import Path

import click
import msgspec
import uvloop

from infra.main.cli import NO, NOT_THERE, Trouble
from infra.main.home import home_option, json_option, settings_of
from parsers.batches import split_batch
from streams.sender import SendReport, send_all

NAMED = 20
"""How many unanswered messages are named on stderr; `--json` names all."""


@click.command()
@home_option
@json_option
@click.option("--to", metavar="HOST:PORT", help="The listener.  [default: the first feed under --home]")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Messages a second, over all connections.")
@click.option("--connections", type=click.IntRange(1, 1000), default=1, show_default=True)
@click.option(
    "--tls-ca", type=click.Path(exists=True, dir_okay=False), help="Speak TLS to a listener whose certificate this authority signed."
)
@click.option(
    "--tls-cert", type=click.Path(exists=True, dir_okay=False), help="The certificate to show, its key in the same file or in --tls-key."
)
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False))
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def command(
    home: Path, as_json: bool, to: str | None, rate: float | None, connections: int,
    tls_ca: str | None, tls_cert: str | None, tls_key: str | None, paths: tuple[Path, ...],
) -> None:  # fmt: skip
    """Sends every message in PATHS (files or folders; framed, batch, CR, LF or CRLF) and waits for each acknowledgement."""
    host, port = address_of(home, to)
    found = [(f"{path}#{n}", message) for path in files_in(paths) for n, message in enumerate(split_batch(path.read_bytes()), 1)]
    context = tls(tls_ca, tls_cert, tls_key)
    report = uvloop.run(_send([message for _, message in found], host, port, connections, rate, context))
    unanswered = [found[position][0] for position in report.unanswered]
    if as_json:
        click.echo(msgspec.json.encode(msgspec.to_builtins(report) | {"unanswered": unanswered}).decode())
    else:
        click.echo(
            f"{report.sent} of {len(found)} answered in {report.seconds} s: {report.aa} AA, {report.ae} AE, {report.ar} AR; {report.no_ack} without an answer"
        )
    if unanswered:
        more = f" and {len(unanswered) - NAMED} more" if len(unanswered) > NAMED else ""
        wrong = f"{len(unanswered)} messages were not answered by {host}:{port}: {', '.join(unanswered[:NAMED])}{more}"
        raise Trouble(wrong, f"look at it: vigil status --home {home}", exit_code=NO)


async def _send(
    messages: list[bytes], host: str, port: int, connections: int, rate: float | None, context: ssl.SSLContext | None
) -> SendReport:
    return await send_all(messages, host=host, port=port, connections=connections, rate=rate, ssl=context)


def tls(authority: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext | None:
    """How to speak TLS; None where no authority is named."""
    if authority is None:
        if certificate is not None:
            raise Trouble("--tls-cert stands without --tls-ca", "name the authority that signed the listener's certificate")
        return None
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except OSError as error:
        raise Trouble(
            f"the certificates cannot be used: {error.strerror or error}", "they are PEM files; give the key with --tls-key"
        ) from error
    return context


def files_in(paths: tuple[Path, ...]) -> list[Path]:
    """The files named, and those below the folders named, in order."""
    return [file for path in paths for file in (sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path])]


def address_of(home: Path, to: str | None) -> tuple[str, int]:
    """Where the listener is: as told, else the first feed of the installation under `home`."""
    if to is not None:
        host, _, port = to.rpartition(":")
        if not host or not port.isdigit():
            raise Trouble(f"{to} is no HOST:PORT", "write it like 127.0.0.1:2575")
        return host.strip("[]"), int(port)
    feed = settings_of(home).listen.feeds[0]
    if feed.port == 0:
        raise Trouble(f"nothing listens under {home}", f"start it: vigil up --home {home}", exit_code=NOT_THERE)
    return feed.host, feed.port
