"""`vigil score`: published scores, a request a line on stdin, an answer a line on stdout, in the same order; `--list` says which there are."""

import sys
from typing import Any, BinaryIO

import click
import msgspec

from infra.main.home import json_option
from scoring.published.answer import LONGEST, answer
from scoring.published.catalogue import scores

AT_ONCE = LONGEST + 2
"""Bytes read of a line: one more than a request may have, and the line's end."""


@click.command()
@json_option
@click.option("--list", "listing", is_flag=True, help="Lists the scores: source, population, range and inputs of each.")
def command(as_json: bool, listing: bool) -> None:
    """Answers each line {"score": NAME, "inputs": {…}} at once; what cannot be scored is answered with an error on its line."""
    if listing:
        _list(as_json)
        return
    while line := sys.stdin.buffer.readline(AT_ONCE):
        _drop_the_rest(line, sys.stdin.buffer)
        sys.stdout.buffer.write(answer(line.rstrip(b"\r\n")) + b"\n")
        sys.stdout.buffer.flush()


def _drop_the_rest(line: bytes, stream: BinaryIO) -> None:
    """A line that is too long is answered once, and not kept."""
    while line and not line.endswith(b"\n"):
        line = stream.readline(AT_ONCE)


def _list(as_json: bool) -> None:
    described = [score.described() for score in scores().values()]
    if as_json:
        click.echo(msgspec.json.encode(described).decode())
        return
    for one in described:
        click.echo(f"{one['score']:22} {one['version']:24} {_range(one['range']):12} {one['population']}")
        click.echo(f"{'':22} {one['source']}")
        others = ", ".join(name for name in one["inputs"] if name not in one["needed"])
        reads = f"; reads {others}" if others else ""
        click.echo(f"{'':22} needs {', '.join(one['needed'])}{reads}\n")


def _range(ends: list[Any]) -> str:
    low, high = ("…" if end is None else f"{end:g}" for end in ends)
    return "no total" if low == high == "…" else f"{low} to {high}"
