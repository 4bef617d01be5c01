"""`vigil migrate`: brings the database to this version's schema, and keeps facts as long as the settings say."""

from pathlib import Path

import click
import msgspec
import psycopg

from infra.database import retention
from infra.database.connect import DatabaseAway, connect_patiently
from infra.database.migrate import MigrationBlocked, migrate
from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import home_option, json_option, needs_system, settings_of
from infra.settings import DatabaseSettings

SHORTEST_DAYS = 30
"""Kafka keeps a message 7 days and up to 7 more until its segment is full; the audit compares all it holds. A resend is looked for 7 days back."""


@click.command()
@home_option
@json_option
def command(home: Path, as_json: bool) -> None:
    """Applies what is missing while everything runs, then deletes, or has TimescaleDB drop, what is older than `database.keep_…_days`."""
    database = needs_system(settings_of(home)).database
    try:
        connect_patiently(database.url, application="vigil-migrate", wait_s=10.0).close()
        applied = migrate(database.url)
        with connect_patiently(database.url, application="vigil-migrate", wait_s=10.0) as connection:
            kept = retention.apply(connection, days_of(database))
    except DatabaseAway as away:
        raise Trouble(f"{away}", f"look at it: vigil status --home {home}", NOT_THERE) from away
    except MigrationBlocked as blocked:
        raise Trouble(f"{blocked}", "end the long transaction that pg_stat_activity shows, and call this again", NOT_THERE) from blocked
    except psycopg.errors.InsufficientPrivilege as refused:
        raise Trouble(
            "the database's role may not change the schema", "let database.url name the owner of the database for this command"
        ) from refused
    answer = {"migrations": applied, "kept": msgspec.to_builtins(kept)}
    click.echo(msgspec.json.encode(answer).decode() if as_json else _sentence(applied, kept))


def days_of(database: DatabaseSettings) -> dict[str, int]:
    """For each kind of fact how many days it is kept, as the settings say."""
    if 0 < database.keep_messages_days < SHORTEST_DAYS:
        raise Trouble(
            f"database.keep_messages_days is {database.keep_messages_days}: `vigil audit` needs the last {SHORTEST_DAYS} days",
            f"set it to 0, for ever, or to at least {SHORTEST_DAYS}",
        )
    return {"messages": database.keep_messages_days, "observations": database.keep_observations_days, "scores": database.keep_scores_days}


def _sentence(applied: int, kept: list[retention.Kept]) -> str:
    lines = [f"{applied} migrations applied"]
    for one in kept:
        deleted = "" if one.deleted is None else f", {one.deleted} deleted now"
        lines.append(f"{one.facts} are kept {f'{one.days} days' if one.days else 'for ever'}{deleted}")
    return "\n".join(lines)
