"""Reading an ORU with 12 OBX, beside `hl7apy.parse_message` on the same bytes and a plain split of them."""

import time
from collections.abc import Callable

from hl7apy.parser import parse_message

from infra.main.benches.messages import oru
from parsers.read import read

COUNT, PEER_COUNT = 4000, 40


def parse() -> dict[str, dict[str, float | str]]:
    """µs a message; `floor` is a plain split into segments and fields, `peer` hl7apy."""
    messages = [oru(number, 300, "P") for number in range(COUNT)]
    ours = _each_us(read, messages, warm=200)
    split = _each_us(lambda raw: [line.split("|") for line in raw.decode().split("\r")], messages, warm=200)
    peer = _each_us(lambda raw: parse_message(raw.decode()), messages[:PEER_COUNT], warm=2)
    return {
        "parse": {
            "value": round(ours, 1),
            "unit": "us",
            "floor": round(split, 1),
            "ratio": round(ours / split, 1),
            "peer": round(peer, 1),
            "peer_ratio": round(peer / ours, 1),
        }
    }


def _each_us(call: Callable[[bytes], object], messages: list[bytes], warm: int) -> float:
    for message in messages[:warm]:
        call(message)
    began = time.perf_counter()
    for message in messages:
        call(message)
    return (time.perf_counter() - began) / len(messages) * 1e6
