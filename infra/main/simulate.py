"""`vigil simulate`: the ward simulator, to the listener or to a file."""

import asyncio
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click
import msgspec

from infra import logs
from infra.main.cli import WRONG_INPUT, Trouble
from infra.main.home import home_option, json_option, settings_of
from infra.main.send import address_of
from infra.settings import Settings
from parsers.mllp import encode
from streams.ward.pace import Bookmark, Tally, send_paced
from streams.ward.ward import ward


@click.command()
@home_option
@json_option
@click.option("--beds", type=click.IntRange(1, 5000), default=24, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed is the same ward.")
@click.option("--messages", type=click.IntRange(min=1), help="Stop after so many; without it the ward goes on for ever.")
@click.option("--start", help="With --out: when the ward begins, ISO 8601 with offset.  [default: now]")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write framed messages to this file instead of sending them.")
def command(home: Path, as_json: bool, beds: int, seed: int, messages: int | None, start: str | None, out: Path | None) -> None:
    """Simulates a ward: admissions, observations, blood results, notes, illness and recovery."""
    if out is not None:
        count = _write(out, beds, seed, messages or 1000, _start(start))
        click.echo(msgspec.json.encode({"messages": count, "out": str(out)}).decode() if as_json else f"{count} messages in {out}")
        return
    settings = settings_of(home)
    logs.configure("ward")
    tally = asyncio.run(_send(settings, home, beds, seed, messages))
    click.echo(msgspec.json.encode(tally).decode() if as_json else f"{tally.messages} messages sent, {tally.aa} AA")


def _start(text: str | None) -> datetime:
    try:
        start = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError as error:
        raise Trouble(f"--start {text} is no time", "write it like 2026-03-01T08:00:00+00:00", WRONG_INPUT) from error
    if start.tzinfo is None:
        raise Trouble(f"--start {text} has no offset", "write it like 2026-03-01T08:00:00+00:00", WRONG_INPUT)
    return start.astimezone(UTC)


def _write(out: Path, beds: int, seed: int, messages: int, start: datetime) -> int:
    with out.open("wb") as file:
        count = 0
        for sent in islice(ward(seed, beds, start), messages):
            file.write(encode(sent.raw))
            count += 1
    return count


async def _send(settings: Settings, home: Path, beds: int, seed: int, messages: int | None) -> Tally:
    clock = settings.clock.clock()
    host, port = address_of(home, None)
    bookmark = Bookmark(home / f"ward-{seed}-{beds}.json")
    start = bookmark.start(clock.now())
    done = bookmark.sent()
    rest = islice(ward(seed, beds, start), done, None if messages is None else done + messages)
    return await send_paced(rest, clock, host, port, tally=Tally(), on_sent=lambda count: bookmark.write(start, done + count))
