"""Reading an ORU with 12 OBX of 1.4 kB, beside `hl7apy.parse_message`, HAPI's PipeParser and a plain split of the same bytes."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
from hl7apy.parser import parse_message

from infra.local.places import CACHE
from infra.main.benches import hapi_java
from infra.main.benches.messages import oru
from parsers.read import read

COUNT, PEER_COUNT, ROUNDS = 4000, 40, 5


def message(number: int) -> bytes:
    """The n-th message: 12 results of one of 300 patients, 1.4 kB: with who observed and how (OBX-16 and 17), as monitors send it."""
    lines = oru(number, 300, "P").split(b"\r")
    padded = [line + b"||RN4711^^^HOSP|AMC" if line.startswith(b"OBX") else line for line in lines]
    return b"\r".join(padded)


def parse() -> dict[str, dict[str, float | str]]:
    """µs a message; `floor` is a plain split into segments and fields, `peer` hl7apy, `hapi` the Java reader where it can be had."""
    messages = [message(number) for number in range(COUNT)]
    ours = _each_us(read, messages, warm=200)
    split = _each_us(lambda raw: [line.split("|") for line in raw.decode().split("\r")], messages, warm=200)
    peer = _each_us(lambda raw: parse_message(raw.decode()), messages[:PEER_COUNT], warm=2, rounds=1)
    found: dict[str, float | str] = {
        "value": round(ours, 1),
        "unit": "us",
        "bytes": round(sum(map(len, messages)) / COUNT),
        "floor": round(split, 1),
        "ratio": round(ours / split, 1),
        "peer": round(peer, 1),
        "peer_ratio": round(peer / ours, 1),
    }
    return {"parse": found | _hapi(messages, ours)}


def _hapi(messages: list[bytes], ours: float) -> dict[str, float | str]:
    try:
        with tempfile.TemporaryDirectory() as folder:
            theirs = hapi_java.parse_us(CACHE, messages, Path(folder))
    except hapi_java.Absent as absent:
        click.echo(f"HAPI is left out: {absent}", err=True)
        return {}
    return {"hapi": round(theirs, 1), "hapi_ratio": round(theirs / ours, 2)}


def _each_us(call: Callable[[bytes], object], messages: list[bytes], warm: int, rounds: int = ROUNDS) -> float:
    """The best of some rounds: what else runs on the machine only ever adds."""
    for raw in messages[:warm]:
        call(raw)
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for raw in messages:
            call(raw)
        best = min(best, time.perf_counter() - began)
    return best / len(messages) * 1e6
