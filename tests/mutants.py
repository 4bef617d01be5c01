"""Messages broken in the ways that wires, engines and people break them; seeded, and run by hand over any corpus.

`python -m tests.mutants PATH… --mutants 100000`: reads every file, then so many mutants, and tells what went wrong.
"""

import argparse
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from parsers.batches import split_batch
from parsers.events import Event, Observation
from parsers.message import Message
from parsers.read import read
from tests import splitter

Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]
NUMBERS = re.compile(r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")


def _place(chance: random.Random, raw: bytes) -> int:
    return chance.randrange(len(raw) + 1)


def _cut(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    return raw[: _place(chance, raw)]


def _change_byte(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, raw)
    return raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]


def _insert(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, raw)
    pieces = (
        b"|",
        b"^",
        b"~",
        b"\\",
        b"&",
        b"\r",
        b"\n",
        b"\r\n",
        b'""',
        b"\x00",
        b"\x0b",
        b"\x1c",
        b"\x1b$B",
        b"\xff",
        b"\\X0D\\",
        b"\\E\\",
        b"ADD|",
        b"-",
        b"1",
    )
    return raw[:at] + chance.choice(pieces) * chance.choice((1, 1, 1, 2, 50)) + raw[at:]


def _delete(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, raw)
    return raw[:at] + raw[at + chance.randrange(1, 20) :]


def _shuffle_segments(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    head, *rest = raw.split(b"\r")
    chance.shuffle(rest)
    return b"\r".join([head, *rest])


def _repeat_segment(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    segments = raw.split(b"\r")
    at = chance.randrange(len(segments))
    return b"\r".join(segments[:at] + [segments[at]] * chance.choice((2, 3, 40)) + segments[at + 1 :])


def _lose_segment(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    segments = raw.split(b"\r")
    del segments[chance.randrange(len(segments))]
    return b"\r".join(segments)


def _swap_fields(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    segments = [segment.split(b"|") for segment in raw.split(b"\r")]
    one, other = chance.choice(segments), chance.choice(segments)
    here, there = chance.randrange(len(one)), chance.randrange(len(other))
    one[here], other[there] = other[there], one[here]
    return b"\r".join(b"|".join(segment) for segment in segments)


def _splice(chance: random.Random, raw: bytes, corpus: Sequence[bytes]) -> bytes:
    other = chance.choice(corpus)
    return raw[: _place(chance, raw)] + other[_place(chance, other) :]


def _other_trigger(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    kind = chance.choice(("ADT", "ORU", "OUL", "ORM", "OML", "RDE", "RAS", "MDM", "ACK", "X"))
    letter = {"ADT": "A", "ORU": "R", "OUL": "R", "MDM": "T"}.get(kind, "O")
    return re.sub(rb"\|[A-Z]{3}\^[A-Z]\d\d", f"|{kind}^{letter}{chance.randrange(70):02d}".encode(), raw, count=1)


def _other_ends(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    return raw.replace(b"\r", chance.choice((b"\n", b"\r\n", b"\r\r", b"\n\r")))


def _other_delimiters(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    return raw.replace(chance.choice((b"|", b"^", b"~", b"&", b"\\")), chance.choice((b"#", b"@", b"$", b"!", b"^", b"a")))


MUTATIONS: Sequence[Mutation] = (
    _cut, _change_byte, _change_byte, _insert, _insert, _delete, _shuffle_segments, _repeat_segment, _lose_segment, _swap_fields, _swap_fields,
    _splice, _other_trigger, _other_ends, _other_delimiters,
)  # fmt: skip


def mutant(chance: random.Random, corpus: Sequence[bytes]) -> bytes:
    """One message of the corpus with one to four mutations."""
    raw = chance.choice(corpus)
    for _ in range(chance.choice((1, 1, 2, 2, 3, 4))):
        raw = chance.choice(MUTATIONS)(chance, raw, corpus) or b"\r"
    return raw


def all_events(message: Message) -> list[Event]:
    """Of every patient."""
    return [*message.events, *(event for other in message.others for event in other.events)]


def faults(raw: bytes, message: Message) -> list[str]:
    """What must not be: a segment unaccounted for, a refusal without a reason, a code or number that was not sent."""
    found = []
    msgspec.json.encode(message)  # what is read can be told
    if message.segments_in != message.segments_read + len(message.segments_set_aside):
        found.append("segments are not accounted for")
    if (message.ack == "AA") != (message.reason is None):
        found.append("a refusal without a reason, or the other way round")
    if message.reason is not None and (message.reason.code not in REASONS or not re.match(r"[A-Z]\w{2}(-\d+)?: ", message.reason.detail)):
        found.append("a reason that names no segment and rule")
    if raw.count(b"\\") > 1 or b"^~\\&" not in raw[:12] or b"ADD" in raw or b"\x1b" in raw:
        return found  # escapes, continuations and sets of characters: what was sent is not what is on the wire
    numbers, text = _numbers(raw), raw.replace(b"\x00", b"")
    for event in all_events(message):
        if isinstance(event, Observation):
            if event.value_num is not None and abs(event.value_num) not in numbers:
                found.append("a number that was not sent")
            if event.code.isascii() and event.code.replace("\0", "").encode() not in text:
                found.append("a code that was not sent")
    return found


REASONS = {"100", "101", "102", "103", "200", "201", "203", "204", "207"}


def _numbers(raw: bytes) -> set[float]:
    text = raw.replace(b"\x00", b"").decode("latin-1")
    found = {float(token) for token in NUMBERS.findall(text) if len(token) < 100}
    for token in NUMBERS.findall(text):  # a sign, an exponent that a letter follows: every beginning and end of a token counts
        if len(token) < 20:
            found |= {float(token[start:]) for start in range(len(token)) if NUMBERS.fullmatch(token[start:])}
    return found


def disagreements(raw: bytes, message: Message) -> list[str]:
    """Where the reader says another number, unit, status or time than a person reads."""
    if message.ack != "AA" or b"\nADD" in raw or b"\rADD" in raw:
        return []
    observations = [event for event in all_events(message) if isinstance(event, Observation)]
    expected = splitter.seen(raw)
    if expected is None or not observations:
        return []
    if len(expected) != len(observations):
        return [f"{len(expected)} OBX, {len(observations)} observations"]
    found = []
    for place, (person, reader) in enumerate(zip(expected, observations, strict=True), 1):
        if person.number is not None and reader.value_num != person.number:
            found.append(f"OBX {place}: number")
        if person.unit is not None and "\\" not in person.unit and reader.unit != person.unit:
            found.append(f"OBX {place}: unit")
        if person.status is not None and reader.status != person.status:
            found.append(f"OBX {place}: status")
        if person.at is not None and reader.observed_at != person.at:
            found.append(f"OBX {place}: time")
    return found


def main() -> None:
    """Reads what the command line names."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("paths", nargs="+", type=Path)
    options.add_argument("--mutants", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    files = [file for path in asked.paths for file in (sorted(path.rglob("*.hl7")) if path.is_dir() else [path])]
    corpus = [message for file in files for message in split_batch(file.read_bytes()) if len(message) < 60_000]
    wrong: Counter[str] = Counter()
    for raw in corpus:
        message = read(raw)
        wrong.update(faults(raw, message) + disagreements(raw, message))
    print(f"{len(corpus)} messages read: {dict(wrong) or 'nothing wrong'}")  # noqa: T201
    chance, answers, slowest, began = random.Random(asked.seed), Counter[str](), 0.0, time.monotonic()
    for _ in range(asked.mutants):
        raw = mutant(chance, corpus)
        started = time.perf_counter()
        message = read(raw)
        slowest = max(slowest, time.perf_counter() - started)
        answers[message.ack] += 1
        wrong.update(faults(raw, message))
    took = time.monotonic() - began
    told = dict(wrong) or "nothing wrong"
    print(f"{asked.mutants} mutants in {took:.0f} s, slowest {slowest * 1000:.0f} ms: {dict(answers)}; {told}")  # noqa: T201


if __name__ == "__main__":
    main()
