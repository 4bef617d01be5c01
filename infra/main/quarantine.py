"""`vigil quarantine`: the messages that could not be taken in; a person looks at each, and tries it again or discards it."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg

from alerts import ledger
from infra.database.connect import connect_patiently
from infra.main.cli import NO, NOT_THERE, Trouble
from infra.main.home import home_option, json_option, needs_system, settings_of
from infra.main.profiles import profile_named
from infra.settings import Settings
from streams import quarantine
from streams.lookup import Gone, KafkaAway, look_up
from streams.quarantine import OnlyBeginning, SetAside
from streams.record import Record, Source

by_option = click.option("--by", default=getpass.getuser, show_default="the user", help="Who decides; it goes into the audit log.")
note_option = click.option("--note", help="Why, for whoever looks later.")


@click.group()
def command() -> None:
    """Messages set aside for a person. NAME is their place on Kafka, like hl7.oru/0/15."""


@contextmanager
def _database(settings: Settings) -> Iterator[psycopg.Connection]:
    with connect_patiently(settings.database.url, application="vigil-quarantine", wait_s=10.0) as connection:
        yield connection


@command.command(name="list")
@home_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Also what was retried or discarded.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=200, show_default=True)
def list_(home: Path, as_json: bool, everything: bool, limit: int) -> None:
    """What waits, the newest first; a line each."""
    with _database(needs_system(settings_of(home))) as connection:
        rows = quarantine.listed(connection, everything=everything, limit=limit)
    for one in rows:
        click.echo(msgspec.json.encode(_told(one)).decode() if as_json else _line(one))
    if not rows and not as_json:
        click.echo("nothing waits")


@command.command()
@home_option
@json_option
@click.argument("name")
def show(home: Path, as_json: bool, name: str) -> None:
    """The reason, and the message as it was received. It holds what its sender wrote of a patient: mind who looks on."""
    settings = needs_system(settings_of(home))
    with _database(settings) as connection:
        one = _one(connection, name)
    message = _kept(settings, one.source)
    if as_json:
        click.echo(msgspec.json.encode(_told(one) | {"message": message.value.decode("utf-8", "replace")}).decode())
        return
    click.echo(_line(one))
    click.echo(message.value.replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode("utf-8", "backslashreplace"))


@command.command()
@home_option
@json_option
@by_option
@note_option
@click.argument("names", nargs=-1, metavar="NAME…")
@click.option(
    "--all", "everything", is_flag=True, help="Every one that waits, as after an update that reads what could not be read before."
)
@click.pass_context
def retry(context: click.Context, home: Path, as_json: bool, by: str, note: str | None, names: tuple[str, ...], everything: bool) -> None:
    """Puts messages back on their topic; the worker reads them as if they had just come, with their own time of receipt."""
    settings = needs_system(settings_of(home))
    failed = 0
    profiles = {feed.name: feed.profile for feed in settings.listen.feeds}
    with _database(settings) as connection:
        for one in _chosen(connection, names, everything):
            try:
                kept = _kept(settings, one.source)
                profile = profile_named(profiles.get(kept.feed or "", ""))
                placed = quarantine.put_back(settings.kafka.bootstrap, kept, profile)
            except (Trouble, OnlyBeginning, KafkaAway) as trouble:
                failed += 1
                wrong = str(trouble.message if isinstance(trouble, Trouble) else f"{trouble}\n{type(trouble).__doc__}")
                click.echo(f"{one.source}: {wrong}", err=True)
                continue
            _decide(connection, settings, one.source, "retried", by, note)
            told = {"name": str(one.source), "state": "retried", "placed": str(placed)}
            click.echo(msgspec.json.encode(told).decode() if as_json else f"{one.source} was put back as {placed}")
    context.exit(NO if failed else 0)


@command.command()
@home_option
@json_option
@by_option
@note_option
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
def discard(home: Path, as_json: bool, by: str, note: str | None, names: tuple[str, ...]) -> None:
    """Notes that nothing is to be done about these messages. They stay in the record and on Kafka."""
    settings = needs_system(settings_of(home))
    with _database(settings) as connection:
        for one in _chosen(connection, names, everything=False):
            _decide(connection, settings, one.source, "discarded", by, note)
            told = {"name": str(one.source), "state": "discarded"}
            click.echo(msgspec.json.encode(told).decode() if as_json else f"{one.source} is discarded")


def _chosen(connection: psycopg.Connection, names: tuple[str, ...], everything: bool) -> list[SetAside]:
    if everything:
        return list(quarantine.listed(connection, everything=False, limit=sys.maxsize))
    if not names:
        raise Trouble("no message is named", "name some, or say --all; vigil quarantine list shows them")
    return [_one(connection, name) for name in names]


def _one(connection: psycopg.Connection, name: str) -> SetAside:
    source = quarantine.place_of(name)
    one = quarantine.found(connection, source) if source else None
    if one is None:
        raise Trouble(f"{name} is not in quarantine", "look: vigil quarantine list --all")
    return one


def _kept(settings: Settings, source: Source) -> Record:
    try:
        return look_up(settings.kafka.bootstrap, source)
    except Gone as gone:
        raise Trouble(f"{source}: {gone}", "ask its sender to send it again, and discard this one", NO) from gone
    except KafkaAway as away:
        raise Trouble(f"Kafka does not answer: {away}", "look at it: vigil status", NOT_THERE) from away


def _decide(connection: psycopg.Connection, settings: Settings, source: Source, decision: str, by: str, note: str | None) -> None:
    now = settings.clock.clock().now()
    with connection.transaction(), connection.cursor() as cursor:
        quarantine.decide(cursor, source, decision, by, note, now)
        ledger.put(cursor, now, by, f"quarantine_{decision}", str(source), {"note": note or ""})


def _told(one: SetAside) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(one)
    return {"name": str(one.source)} | told


def _line(one: SetAside) -> str:
    decided = f"  ({one.state} by {one.decided_by})" if one.state != "waiting" else ""
    return f"{one.source}  {one.received_at:%Y-%m-%d %H:%M:%S}  {one.feed or '-'}  {one.message_type or '-'}  {one.reason}{decided}"
