"""`vigil skip`: goes on without messages that Kafka no longer has; a person's decision, written into the audit log."""

import getpass
from pathlib import Path

import click
import msgspec

from alerts import ledger
from infra.database.connect import DatabaseAway, connect_patiently
from infra.main.cli import NO, NOT_THERE, Trouble
from infra.main.home import home_option, json_option, needs_system, settings_of
from infra.settings import Settings
from streams import backlog, lost, progress
from streams.beginnings import offsets
from streams.lookup import KafkaAway
from streams.lost import Lost


@click.command()
@home_option
@json_option
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who decides; it goes into the audit log.")
@click.option("--note", help="Why, for whoever looks later.")
@click.option("--yes", is_flag=True, help="Do it. Without this the command only tells what is lost.")
@click.pass_context
def command(context: click.Context, home: Path, as_json: bool, by: str, note: str | None, yes: bool) -> None:
    """Where a worker stands still because Kafka let messages go unrecorded: writes each down as lost, and lets it go on. Their senders can send them again."""
    settings = needs_system(settings_of(home))
    try:
        found = _skip(settings, by, note, really=yes)
    except KafkaAway as away:
        raise Trouble(f"Kafka does not answer: {away}", f"look at it: vigil status --home {home}", NOT_THERE) from away
    except DatabaseAway as away:
        raise Trouble(f"{away}", f"look at it: vigil status --home {home}", NOT_THERE) from away
    except lost.Moved as moved:
        raise Trouble("the worker went on meanwhile", "call this again", NOT_THERE) from moved
    if as_json:
        places = [{"topic": one.topic, "partition": one.partition, "first": one.first, "until": one.until} for one in found]
        click.echo(msgspec.json.encode({"lost": places, "skipped": yes and bool(found)}).decode())
    else:
        click.echo(_sentence(found, done=yes))
    context.exit(0 if yes or not found else NO)


def _skip(settings: Settings, by: str, note: str | None, *, really: bool) -> list[Lost]:
    now = settings.clock.clock().now()
    with (
        connect_patiently(settings.database.url, application="vigil-skip", wait_s=10.0) as connection,
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        found = lost.found(offsets(settings.kafka.bootstrap), progress.reached(cursor), backlog.ranges(cursor))
        for one in found if really else []:
            lost.skip(cursor, one, now)
            detail = {"first": str(one.first), "until": str(one.until), "note": note or ""}
            ledger.put(cursor, now, by, "skip_lost", f"{one.topic}/{one.partition}", detail)
    return found


def _sentence(found: list[Lost], *, done: bool) -> str:
    if not found:
        return "nothing is lost"
    lines = [f"{one.topic}/{one.partition}: offsets {one.first} to {one.until - 1} are lost" for one in found]
    count = sum(one.count for one in found)
    return "\n".join(
        [*lines, f"{count} messages are written down as lost" if done else f"go on without these {count} messages: vigil skip --yes"]
    )
