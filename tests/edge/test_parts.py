"""A message that comes in several, on a real PostgreSQL: joined whatever order its parts come in, whoever takes them, and never lost or read twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import psycopg
import pytest

from infra.database.connect import connect
from streams import parts
from streams.record import Record, Source
from tests.databases import ON_EACH_DATABASE
from tests.hl7 import WELL, oru
from tests.workers import NOON, Worker, record, rows, working

pytestmark = ON_EACH_DATABASE

FIRST = (
    "MSH|^~\\&|LAB|HOSP|||20260301120000+0000||ORU^R01|L1|P|2.5.1\rPID|1||100^^^HOSP^MR\rOBR|1||F1|E^Electrolytes^L\r"
    "OBX|1|NM|2823-3^Potassium^LN||6.\rADD\rDSC|P1|F\r"
)
SECOND = (
    "MSH|^~\\&|LAB|HOSP|||20260301120001+0000||ORU^R01|L2|P|2.5.1||P1\rADD|9|mmol/L|||||F\rOBX|2|NM|2951-2^Sodium^LN||13\rADD\rDSC|P2|F\r"
)
THIRD = "MSH|^~\\&|LAB|HOSP|||20260301120002+0000||ORU^R01|L3|P|2.5.1||P2\rADD|5|mmol/L|||||F\r"
WHOLE = [("2823-3", 6.9), ("2951-2", 135.0)]


@pytest.fixture
def workers(postgres_url: str) -> Iterator[tuple[Worker, Worker]]:
    with working(postgres_url, count=2, partitions=3) as [one, other]:
        one.now = other.now = NOON
        yield one, other


def part(text: str, partition: int, offset: int = 0) -> Record:
    """The first lies with its patient's messages, the others with their sender's."""
    return replace(record(offset, text.encode(), partition=partition), control_id=text.split("|")[9], sent_by="LAB|HOSP")


def told(worker: Worker, *records: Record) -> list[tuple[str, str | None]]:
    return [(taken.outcome, taken.reason) for taken in worker.transactor.record(records).taken]


def places(worker: Worker) -> list[str]:
    return sorted(str(taken.record.source) for taken in worker.set_aside)


RECORDS = [part(FIRST, 0), part(SECOND, 1), part(THIRD, 1, 1)]
READ = "SELECT canonical_code, canonical_num FROM vigil.observations WHERE current ORDER BY ordinal"


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 2, 0], [1, 0, 2]])
def test_parts_are_one_message_whatever_order_two_workers_take_them_in(
    workers: tuple[Worker, Worker], postgres_url: str, order: list[int]
) -> None:
    outcomes = [told(workers[RECORDS[place].source.partition], RECORDS[place]) for place in order]
    assert outcomes == [[("stored", parts.WAITS)], [("stored", parts.WAITS)], [("stored", None)]]
    assert rows(postgres_url, READ) == WHOLE
    assert rows(postgres_url, "SELECT count(*) FROM vigil_store.message_part") == [(0,)]
    last = RECORDS[order[2]].source
    reasons = {reason for (reason,) in rows(postgres_url, "SELECT reason FROM vigil.messages WHERE reason IS NOT NULL")}
    assert reasons == {f"read with the others: 3 parts in {last}"}


def test_all_parts_in_one_batch_beside_other_messages(workers: tuple[Worker, Worker], postgres_url: str) -> None:
    batch = [RECORDS[0], record(1, oru("200", NOON, WELL)), *RECORDS[1:]]
    assert workers[0].take(*batch) == ["stored"] * 4
    assert rows(postgres_url, "SELECT count(*) FROM vigil.observations WHERE patient_id = 'HOSP:100'") == [(2,)]


def test_the_patients_own_worker_knows_what_another_joined(workers: tuple[Worker, Worker]) -> None:
    home, other = workers
    home.take(RECORDS[0], record(1, oru("100", NOON, WELL)))
    other.take(*RECORDS[1:])
    home.take(record(2, oru("100", NOON + timedelta(minutes=1), WELL)))
    assert home.scores.moments[-1].patient.readings["2823-3"][-1].value_num == 6.9


@pytest.mark.parametrize("order", list(permutations(range(3)))[:3])
def test_parts_that_come_again_change_nothing(workers: tuple[Worker, Worker], postgres_url: str, order: tuple[int, ...]) -> None:
    worker = workers[0]
    worker.take(RECORDS[0])
    assert worker.take(replace(RECORDS[0], source=Source(topic="hl7.oru", partition=0, offset=1))) == ["duplicate"]
    worker.take(*RECORDS[1:])
    again = [replace(RECORDS[place], source=Source(topic="hl7.oru", partition=2, offset=number)) for number, place in enumerate(order)]
    assert worker.take(*again) == ["duplicate"] * 3
    assert worker.take(*RECORDS) == []
    assert rows(postgres_url, READ) == WHOLE


def test_a_worker_that_dies_before_the_commit_leaves_the_part_to_the_next(workers: tuple[Worker, Worker], postgres_url: str) -> None:
    dying, next_one = workers
    dying.take(RECORDS[0], RECORDS[1])

    def die(cursor: psycopg.Cursor, scores: object) -> None:
        raise ConnectionError

    dying.scores.write = die  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        dying.take(RECORDS[2])
    assert rows(postgres_url, "SELECT count(*) FROM vigil_store.message_part") == [(2,)]
    next_one.take(RECORDS[2])
    assert rows(postgres_url, READ) == WHOLE


def test_what_waits_too_long_is_set_aside_visibly_and_joined_when_the_rest_comes_after_all(
    workers: tuple[Worker, Worker], postgres_url: str
) -> None:
    worker = workers[0]
    worker.take(RECORDS[0], RECORDS[1])
    worker.now = NOON + parts.PATIENCE
    assert worker.transactor.give_up_parts() == 0
    worker.now += timedelta(seconds=1)
    assert (worker.transactor.give_up_parts(), worker.transactor.give_up_parts()) == (2, 0)
    assert places(worker) == ["hl7.oru/0/0", "hl7.oru/1/0"]
    assert rows(postgres_url, "SELECT DISTINCT reason, state FROM vigil.quarantine") == [(parts.INCOMPLETE, "waiting")]
    worker.take(RECORDS[2])
    assert rows(postgres_url, "SELECT count(*) FROM vigil.quarantine") == [(0,)]
    assert rows(postgres_url, READ) == WHOLE


def test_a_part_is_not_set_aside_before_the_quarantine_has_it(workers: tuple[Worker, Worker], postgres_url: str) -> None:
    worker = workers[0]
    worker.take(RECORDS[0])
    worker.now = NOON + timedelta(hours=1)

    def away(_: object) -> None:
        raise ConnectionError

    with connect(postgres_url) as connection, pytest.raises(ConnectionError), connection.transaction():
        parts.give_up(connection.cursor(), worker.now, away)
    assert rows(postgres_url, "SELECT count(*) FROM vigil.quarantine") == [(0,)]
    assert worker.transactor.give_up_parts() == 1


def test_a_message_that_is_wrong_as_a_whole_is_set_aside_with_all_its_parts(workers: tuple[Worker, Worker], postgres_url: str) -> None:
    first = FIRST.replace("100^^^HOSP^MR", "")
    [*_, (outcome, reason)] = told(workers[0], part(first, 0), *RECORDS[1:])
    assert (outcome, reason) == ("quarantined", "101: PID-3: the patient identifier is missing")
    reasons = rows(postgres_url, 'SELECT reason FROM vigil.quarantine ORDER BY partition, "offset"')
    assert [one for (one,) in reasons] == [f"{reason}, in 3 parts in hl7.oru/1/1"] * 2 + [reason]


def test_parts_that_are_a_part_again_when_joined_are_set_aside(workers: tuple[Worker, Worker], postgres_url: str) -> None:
    first = FIRST.replace("OBX|1|NM|2823-3^Potassium^LN||6.\r", "OBX|1|NM|2823-3^K^LN||6.9|mmol/L\rD\r")
    second = SECOND.split("\r", maxsplit=1)[0] + "\rADD|SC|P9|F\r"
    assert [outcome for outcome, _ in told(workers[0], part(first, 0), part(second, 1))] == ["stored", "quarantined"]
    assert rows(postgres_url, "SELECT count(*) FROM vigil.quarantine") == [(2,)]


def test_after_a_week_what_was_given_up_is_only_on_kafka(workers: tuple[Worker, Worker], postgres_url: str) -> None:
    worker = workers[0]
    worker.take(RECORDS[0])
    worker.now = NOON + timedelta(hours=1)
    worker.transactor.give_up_parts()
    worker.now += parts.KEPT + timedelta(hours=1)
    worker.transactor.give_up_parts()
    assert rows(postgres_url, "SELECT count(*) FROM vigil_store.message_part") == [(0,)]
    assert rows(postgres_url, "SELECT count(*) FROM vigil.quarantine") == [(1,)]
