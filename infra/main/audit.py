"""`vigil audit`: proves that nothing acknowledged is missing; exit status 1 where something is."""

from collections.abc import Mapping
from pathlib import Path

import click
import msgspec
from psycopg import IsolationLevel

from infra.database.connect import connect_patiently
from infra.database.sql import statements
from infra.main.cli import NO, NOT_THERE, Trouble
from infra.main.home import home_option, json_option, needs_system, settings_of
from infra.settings import Settings
from streams import backlog
from streams.audit import Audit, Counts, audit
from streams.backlog import Range
from streams.beginnings import Place, offsets
from streams.lookup import Gone, KafkaAway, look_up
from streams.record import Source

SQL = statements("streams", "audit.sql")


@click.command()
@home_option
@json_option
@click.pass_context
def command(context: click.Context, home: Path, as_json: bool) -> None:
    """Compares Kafka's offsets with what the database recorded."""
    settings = needs_system(settings_of(home))
    try:  # its end is asked for after the database: what comes in between is waiting, never a gap
        since = {place: low for place, (low, _) in offsets(settings.kafka.bootstrap).items()}
        progress, counts, put_aside = _recorded(settings.database.url, since)
        kafka = offsets(settings.kafka.bootstrap)
        oldest_s = _oldest_unprocessed_s(settings, kafka, progress, put_aside)
    except KafkaAway as away:
        raise Trouble(f"Kafka does not answer: {away}", "look at it: vigil status", exit_code=NOT_THERE) from away
    found = audit(kafka, progress, counts, put_aside, since)
    answer = msgspec.to_builtins(found) | {"oldest_unprocessed_s": oldest_s}
    click.echo(msgspec.json.encode(answer).decode() if as_json else _sentence(found))
    context.exit(NO if found.gaps else 0)


def _recorded(url: str, since: Mapping[Place, int]) -> tuple[dict[Place, int], dict[Place, Counts], list[Range]]:
    """Progress, counts and ranges put aside, of one instant. Counted is from where Kafka begins: what is older may be retired on either side."""
    names = {"topics": [place[0] for place in since], "partitions": [place[1] for place in since], "since": list(since.values())}
    with connect_patiently(url, application="vigil-audit", wait_s=10.0) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with connection.cursor() as cursor:
            progress: dict[Place, int] = {(row[0], row[1]): row[2] for row in cursor.execute(SQL["progress"].encode())}
            counts = {(row[0], row[1]): _counts(row[2:]) for row in cursor.execute(SQL["counts"].encode(), names)}
            put_aside = backlog.ranges(cursor)
    return progress, counts, put_aside


def _oldest_unprocessed_s(
    settings: Settings, kafka: dict[Place, tuple[int, int]], progress: dict[Place, int], put_aside: list[Range]
) -> float:
    waiting = [(place, progress.get(place, low)) for place, (low, high) in kafka.items() if high > progress.get(place, low)]
    waiting += [(one.place, one.next_offset) for one in put_aside]
    now = settings.clock.clock().now()
    ages = [0.0]
    for (topic, partition), reached in waiting:
        source = Source(topic=topic, partition=partition, offset=max(reached, kafka[topic, partition][0]))
        try:
            ages.append((now - look_up(settings.kafka.bootstrap, source).received_at).total_seconds())
        except Gone:  # its retention ends this very moment; the gap above tells of it
            continue
    return round(max(ages), 3)


def _counts(row: tuple[int, int, int | None, int | None, int, int, int]) -> Counts:
    recorded, distinct, first, last, stored, duplicate, quarantined = row
    return Counts(recorded=recorded, distinct=distinct, first=first, last=last, stored=stored, duplicate=duplicate, quarantined=quarantined)


def _sentence(found: Audit) -> str:
    lines = [
        f"{found.in_kafka} in Kafka, {found.recorded} recorded ({found.stored} stored, {found.duplicate} duplicate, "
        f"{found.quarantined} quarantined), {found.waiting} waiting, {len(found.gaps)} gaps"
    ]
    lines += [f"GAP {gap.topic}/{gap.partition} {gap.kind}: expected {gap.expected}, found {gap.found}" for gap in found.gaps]
    return "\n".join(lines)
