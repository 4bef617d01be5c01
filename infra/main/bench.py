"""`vigil bench`: the benchmarks, each as a figure and a ratio to its floor or peer in the same run."""

from typing import Any

import click
import msgspec

from infra.main.benches.load import load
from infra.main.benches.model import model
from infra.main.benches.parsing import parse
from infra.main.benches.states import states
from infra.main.home import json_option

NAMES = ("parse", "states", "model", "load")


@click.command()
@json_option
@click.option("--workers", type=click.IntRange(1, 8), default=1, show_default=True)
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
def command(names: tuple[str, ...], as_json: bool, workers: int) -> None:
    """parse: reading one message. states: a patient's rolling state, its cost in time and memory, and a cold start of 2,000 patients.
    model: a Triton call of 32 beside the ONNX session alone, 1,000 patients scored, and how soon NEWS2 speaks where Triton stalls.
    load: listener, whole path beside a Java pipeline, and the time to score and to page."""
    found: dict[str, Any] = {}
    if not names or "parse" in names:
        click.echo("parsing …", err=True)
        found |= parse()
    if not names or "states" in names:
        click.echo("walking 48 hours of 2,000 patients, and storing them …", err=True)
        found |= states()
    if not names or "model" in names:
        click.echo("starting Triton and scoring 1,000 patients …", err=True)
        found |= model()
    if not names or "load" in names:
        click.echo("starting an installation and loading it …", err=True)
        found |= load(workers)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for name, one in found.items():
        click.echo(_line(name, one))


def _line(name: str, one: dict[str, Any]) -> str:
    floor = "" if one["floor"] is None else f"   floor {one['floor']}  ratio {one['ratio']}"
    named = "hl7apy.parse_message" if name == "parse" else "HAPI → JDBC"
    peer = f"   {named} {one['peer']} ({one['peer_ratio']} ×)" if "peer" in one else ""
    hapi = f"   HAPI {one['hapi']} ({one['hapi_ratio']} ×)" if "hapi" in one else ""
    return f"{name:30} {one['value']} {one['unit']}{floor}{peer}{hapi}"
