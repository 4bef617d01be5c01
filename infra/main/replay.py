"""`vigil replay`: real trajectories, as HL7, through the listener."""

import asyncio
import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path

import click
import msgspec

from infra import logs
from infra.main.cli import Trouble
from infra.main.home import home_option, json_option, settings_of
from infra.main.send import address_of, files_in
from parsers.batches import split_batch
from parsers.envelope import peek
from parsers.identity import patient_key
from streams.replay import cinc2019, eicu
from streams.replay.facts import Course
from streams.replay.trajectories import messages
from streams.ward.pace import Tally, send_paced
from streams.ward.schedule import Sent

AS_FAST_AS_POSSIBLE = float("inf")


@click.command()
@home_option
@json_option
@click.option("--source", type=click.Choice(["cinc2019", "eicu", "hl7"]), required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--speed", default="max", show_default=True, help="Times Vigil's own clock, or max: as fast as acknowledgements come.")
@click.option("--limit", type=click.IntRange(min=1), help="Patients at most (messages, for hl7).")
@click.option("--to", metavar="HOST:PORT", help="The listener.  [default: the first feed under --home]")
def command(home: Path, as_json: bool, source: str, data: Path, speed: str, limit: int | None, to: str | None) -> None:
    """Sends what real patients went through; times are shifted to end at Vigil's now, and never lie in its future."""
    logs.configure("replay")
    clock = settings_of(home).clock.clock()
    factor = _factor(speed)
    patients: set[str] = set()
    sent = _hl7(data, limit, clock.now(), patients) if source == "hl7" else _courses(source, data, limit, clock.now(), factor, patients)
    host, port = address_of(home, to)
    paced = factor != AS_FAST_AS_POSSIBLE
    tally = asyncio.run(send_paced(sent, clock, host, port, tally=Tally(), on_sent=_progress, paced=paced))
    answer = {"patients": len(patients), "messages": tally.messages, "aa": tally.aa, "ae": tally.ae, "ar": tally.ar}
    click.echo(
        msgspec.json.encode(answer).decode()
        if as_json
        else f"{len(patients)} patients, {tally.messages} messages: {tally.aa} AA, {tally.ae} AE, {tally.ar} AR"
    )


def _progress(count: int) -> None:
    stream = click.get_text_stream("stderr")
    if count % 500 == 0 and stream.isatty():
        click.echo(f"\r{count} messages sent", err=True, nl=False)


def _factor(speed: str) -> float:
    try:
        factor = AS_FAST_AS_POSSIBLE if speed == "max" else float(speed)
    except ValueError:
        factor = 0.0
    if factor <= 0:
        raise Trouble(f"--speed {speed} is no speed", "give a number above 0, or max")
    return factor


def _courses(source: str, data: Path, limit: int | None, now: datetime, factor: float, patients: set[str]) -> Iterator[Sent]:
    """As fast as possible: one patient after the other, read as they are sent. Paced: all of them side by side."""
    laid = (_laid(course, now, factor) for course in _chosen(source, data, limit, patients))
    first = next(laid, None)
    if first is None:
        raise Trouble(f"{data} holds no {source} patient", "give the folder that its README describes")
    everyone = chain((first,), laid)
    return chain.from_iterable(everyone) if factor == AS_FAST_AS_POSSIBLE else heapq.merge(*everyone, key=lambda one: one.at)


def _chosen(source: str, data: Path, limit: int | None, patients: set[str]) -> Iterator[Course]:
    try:
        for course in islice((cinc2019 if source == "cinc2019" else eicu).courses(data), limit):
            patients.add(course.stay_id)
            yield course
    except (cinc2019.NotACinc2019File, eicu.NoEicuTables) as error:
        raise Trouble(f"{data} is no {source} data: {error}", "give the folder that its README describes") from error


def _laid(course: Course, now: datetime, factor: float) -> Iterator[Sent]:
    """Hours keep their length and sending is `factor` times as fast; both end together, or, slower than life, begin together."""
    length = timedelta(hours=max(course.length_h, course.left_h or 0.0) + 1.0)
    pace = 1.0 / factor  # 0 for as fast as possible
    start = (now - length * max(0.0, 1.0 - pace)).replace(microsecond=0)
    for one in messages(course, start):
        yield Sent(now + (one.at - start) * pace, one.raw)


def _hl7(data: Path, limit: int | None, now: datetime, patients: set[str]) -> Iterator[Sent]:
    found = (message for path in files_in((data,)) for message in split_batch(path.read_bytes()))
    for message in islice(found, limit):
        patients.add(patient_key(peek(message)) or "")
        yield Sent(now, message)
