"""How soon a worker that starts cold has every patient's state: from the stored facts alone, and from kept states with what came since."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import psycopg

from infra.database.connect import connect
from infra.database.sql import statements
from infra.main.benches.figures import Figure, figure
from infra.main.benches.messages import OBX, STEP, half_hourly
from streams import progress, rows, snapshots, store, topics
from streams.cache import States
from streams.patient import PatientState
from streams.processing import Taken, process, read_record
from streams.record import Record, Source
from streams.rows import Row

SQL = statements("infra.main.benches", "cold_start.sql")

BATCH: Final = 500
"""Messages a transaction, each of another patient: as many states as a worker asks for at once when it starts."""

SINCE_KEPT: Final = snapshots.EVERY // OBX // 2
"""Messages that a patient has had since the state was kept: half of those after which it is kept again."""

PARTITION: Final = 0


def cold_start(url: str, models: int, copies: int, steps: int, since: datetime) -> dict[str, Figure]:
    """Fills a migrated database with so many half hours of `models` patients, each stored as `copies` patients, and comes by all their states.

    `cold_start_facts`: seconds with no state kept; `cold_start_kept`: with all kept SINCE_KEPT messages ago. Floor: plain fetches of the same rows.
    """
    patients = models * copies
    with connect(url, application="vigil-bench") as connection:
        states = _fill(connection, {}, (models, copies), since, (0, steps - SINCE_KEPT))
        kept_at = since + STEP * (steps - SINCE_KEPT)
        _keep(connection, states, copies, (steps - SINCE_KEPT) * models, kept_at)
        _fill(connection, states, (models, copies), since, (steps - SINCE_KEPT, SINCE_KEPT))
        connection.autocommit = True
        connection.execute(SQL["settle"].encode())
        connection.autocommit = False
        asked = [_taken(number, at, raw) for number, at, raw in half_hourly(patients, "S", since, steps, 1)]
        with connection.transaction(force_rollback=True):
            connection.execute(SQL["forget_kept"].encode())
            facts = _come_by(connection, asked)
        kept = _come_by(connection, asked)
        whole = _fetched(connection, asked, [("observations", {"since": since - STEP})])
        part = _fetched(connection, asked, [("kept", {}), ("observations", {"since": kept_at - STEP})])
    told = {"patients": float(patients), "readings": facts[1]}
    return {
        "cold_start_facts": figure(facts[0], "s", whole, **told),
        "cold_start_kept": figure(kept[0], "s", part, **told | {"readings": kept[1]}),
    }


def _taken(number: int, at: datetime, raw: bytes) -> Taken:
    source = Source(topic=topics.ORU, partition=PARTITION, offset=number)
    return read_record(Record(source=source, value=raw, received_at=at + timedelta(seconds=5)))


def _fill(
    connection: psycopg.Connection, states: Mapping[str, PatientState], hospital: tuple[int, int], since: datetime, part: tuple[int, int]
) -> Mapping[str, PatientState]:
    """Stores the facts of a part of the half hours, in the order of time, and tells the models' states after it."""
    models, copies = hospital
    messages = half_hourly(models, "S", since, *part)
    for read in _batches([_taken(*one) for one in messages], models):
        batch = process(read, states, {}, frozenset())
        states = batch.states
        with connection.transaction(), connection.cursor() as cursor:
            _copy(cursor, "copy_observations", rows.OBSERVATION_TYPES, _copied(batch.taken, rows.observation_rows, models, copies))
            _copy(cursor, "copy_events", rows.EVENT_TYPES, _copied(batch.taken, rows.event_rows, models, copies))
            names = sorted({row[0] for row in _copied(batch.taken, rows.observation_rows, models, copies)}) if batch.persons else []
            one = next(iter(states.values()))
            cursor.execute(SQL["persons"].encode(), {"ids": names, "birth_date": one.birth_date, "sex": one.sex})
    return states


def _copied(taken: Sequence[Taken], rows_of: Callable[[Taken], list[Row]], models: int, copies: int) -> Iterator[Row]:
    for one in taken:
        for row in rows_of(one):
            for copy in range(copies):
                yield (_named(row[0], models * copy), *row[1:])


def _named(patient_id: str, further: int) -> str:
    """The patient so many further on in the hospital."""
    name = patient_id.rstrip("0123456789")
    return f"{name}{int(patient_id[len(name) :]) + further}"


def _copy(cursor: psycopg.Cursor, name: str, types: Sequence[str], found: Iterator[Row]) -> None:
    with cursor.copy(store.SQL[name].encode()) as copy:
        copy.set_types(types)
        for row in found:
            copy.write_row(row)


def _keep(connection: psycopg.Connection, states: Mapping[str, PatientState], copies: int, reached: int, now: datetime) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        progress.seed(cursor, {(topics.ORU, PARTITION): reached})
        for copy in range(copies):
            found = (replace(one, patient_id=_named(one.patient_id, len(states) * copy)) for one in states.values())
            snapshots.keep(cursor, ((one, 0) for one in found), PARTITION, now)


def _come_by(connection: psycopg.Connection, asked: Sequence[Taken]) -> tuple[float, float]:
    """Seconds until a new cache has had the state of everybody who is asked for, and how many readings are in them."""
    cache, found = States(), list[PatientState]()
    began = time.perf_counter()
    for read in _batches(asked, BATCH):
        with connection.transaction(), connection.cursor() as cursor:
            cache.own(cursor, [PARTITION])
            found += cache.begin(cursor, read).states.values()
    seconds = time.perf_counter() - began
    return seconds, float(sum([len(held) for state in found for held in state.readings.values()]))


def _fetched(connection: psycopg.Connection, asked: Sequence[Taken], queries: Sequence[tuple[str, Mapping[str, object]]]) -> float:
    """Seconds that plain fetches take, the same patients at once."""
    began = time.perf_counter()
    for read in _batches(asked, BATCH):
        ids = [taken.patient_id for taken in read]
        with connection.transaction(), connection.cursor() as cursor:
            for name, further in queries:
                cursor.execute(SQL[name].encode(), {"ids": ids, **further}).fetchall()
    return time.perf_counter() - began


def _batches(taken: Sequence[Taken], size: int) -> Iterator[Sequence[Taken]]:
    for first in range(0, len(taken), size):
        yield taken[first : first + size]
