"""What the network carries of each patient, on a real PostgreSQL: whatever dies, is merged, corrected or comes late, what is carried is what the facts make."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest

from infra.database.connect import connect
from parsers.events import Move
from scoring import carried_store, store
from scoring.carrying import AT_ONCE, FOREVER, Carrying
from scoring.models.metadata import SHIPPED
from scoring.models.sequence.carried import Carried
from scoring.models.sequence.metadata import sequence_metadata
from scoring.models.sequence.whole import Whole
from scoring.rebuilt import hours_of
from scoring.score import Score
from scoring.voice import ModelUnavailable
from streams import as_of, backlog
from streams.backlog import Range
from streams.processing import Moment
from streams.transaction import Transactor
from tests.databases import ON_EACH_DATABASE
from tests.edge.test_as_of import moved_visit
from tests.hl7 import SICK, WELL, adt, merge, oru
from tests.workers import NOON, record, rows, working

pytestmark = ON_EACH_DATABASE
FOLDER = SHIPPED / "deterioration_sequence" / "1"
METADATA = sequence_metadata(FOLDER)
WHOLE = Whole(FOLDER / "weights.npz")


class Cell:
    """The network that counts what it is asked, and may be away."""

    version, hidden = WHOLE.version, WHOLE.hidden

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.away = False

    def step(self, state: np.ndarray, values: np.ndarray, context: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self.asked.append(len(state))
        if self.away:
            raise ModelUnavailable("away")
        return WHOLE.step(state, values, context)


class Network:
    """A worker's scorer that is the network alone, and a policy that may fail in the middle of a transaction."""

    def __init__(self) -> None:
        self.cell, self.fails = Cell(), False
        self.carrying = Carrying(self.cell, WHOLE, METADATA, "shadow")
        self.told: list[Score] = []

    def recall(self, cursor: psycopg.Cursor, moments: Sequence[Moment]) -> None:
        self.carrying.recall(cursor, moments)

    def score(self, moments: Sequence[Moment], now: datetime) -> list[Score]:
        return self.carrying.score(moments, now, ask=True)

    def write(self, cursor: psycopg.Cursor, scores: Sequence[Score]) -> None:
        store.write(cursor, scores)
        self.carrying.write(cursor)
        self.told += scores

    def decide(self, cursor: psycopg.Cursor, moments: Sequence[Moment], scores: Sequence[Score], now: datetime) -> None:
        if self.fails:
            raise psycopg.OperationalError("the database went away")

    def merge(self, cursor: psycopg.Cursor, from_id: str, into_id: str, now: datetime) -> None:
        assert not cursor.closed

    def move(self, cursor: psycopg.Cursor, event: Move, into_id: str, from_id: str, now: datetime) -> None:
        assert not cursor.closed


class Worker:
    def __init__(self, url: str) -> None:
        self.url, self.network, self.now = url, Network(), NOON + timedelta(days=30)
        self.transactor: Transactor[Any] = Transactor(
            lambda: connect(url), self.network, self.network, now=lambda: self.now, timezones={}, quarantine=lambda _: None
        )

    def take(self, *records: Any) -> list[Score]:
        return list(self.transactor.record(records).scores)


@pytest.fixture
def workers(postgres_url: str) -> Iterator[list[Worker]]:
    with working(postgres_url, partitions=2):
        made = [Worker(postgres_url) for _ in range(3)]
        yield made
        for one in made:
            one.transactor.forget()


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def course(mrn: str = "100", count: int = 12, every_min: int = 25, first: int = 0) -> list[Any]:
    """A patient who gets worse."""
    values = [
        {name: worst if n % 3 == 0 else (WELL | {"hr": 80 + n})[name] for name, worst in SICK.items()} for n in range(first, first + count)
    ]
    return [
        record(n, oru(mrn, after(every_min * n), one, filler=f"{mrn}F{n}"), minutes=every_min * n) for n, one in enumerate(values, first)
    ]


def carried(worker: Worker, mrn: str = "100") -> Carried:
    """What the database keeps, made whole again."""
    with connect(worker.url) as connection, connection.cursor() as cursor:
        kept = carried_store.standings(cursor, WHOLE.version, [f"HOSP:{mrn}"])[f"HOSP:{mrn}"].kept
        assert kept is not None
        before = carried_store.befores(cursor, WHOLE.version, [f"HOSP:{mrn}"])[f"HOSP:{mrn}"]
    step = carried_store.unpacked(kept.step)
    one = Carried(
        version=WHOLE.version, before=before, before_at=kept.before_at, opened_at=kept.opened_at, at=kept.at, step=step, numbers=before
    )
    return Carried(**{name: getattr(one, name) for name in one.__slots__} | {"numbers": WHOLE.closed(one)})


def replayed(worker: Worker, mrn: str = "100") -> Carried:
    """What all the facts make today."""
    with connect(worker.url) as connection, connection.cursor() as cursor:
        nobody, merged, facts = as_of.recorded(cursor, f"HOSP:{mrn}")
    return WHOLE.carried(hours_of(nobody, as_of.known(facts, as_of.known_as(nobody.patient_id, merged, FOREVER), worker.now)))


def assert_is_what_the_facts_make(worker: Worker, mrn: str = "100") -> None:
    one, other = carried(worker, mrn), replayed(worker, mrn)
    assert (one.before_at, one.opened_at, one.at) == (other.before_at, other.opened_at, other.at)
    for name in ("before", "numbers"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-5)


def values(scores: Sequence[Score]) -> list[float]:
    return [one.value for one in scores if one.value is not None]


def test_a_batch_asks_once_and_a_message_costs_the_same_later(workers: list[Worker]) -> None:
    one = workers[0]
    one.take(*(record(n, oru(str(n), NOON, SICK, filler=f"A{n}"), minutes=n) for n in range(7)))
    assert one.network.cell.asked == [7]
    one.take(*(record(7 + n, oru("3", after(10 + n), WELL, filler=f"B{n}"), minutes=10 + n) for n in range(5)))
    assert one.network.cell.asked == [7, 5]
    assert rows(one.url, "SELECT count(*), max(octet_length(before) + octet_length(step)) < 4000 FROM vigil_store.carried") == [(7, True)]


def test_scores_are_kept_and_page_nobody(workers: list[Worker]) -> None:
    one = workers[0]
    one.take(*course(count=3))
    found = rows(
        one.url,
        "SELECT score_id, name, version, mode, value, explanation -> 'parts' ? 'sepsis_6h' FROM vigil.scores ORDER BY scored_at, score_id",
    )
    assert [(row[1], row[2], row[3], row[5]) for row in found] == [(METADATA.name, METADATA.version, "shadow", True)] * 3
    assert {row[0] for row in found} == {f"hl7.oru/0/{n}/{METADATA.name}@{METADATA.version}" for n in range(3)}
    assert all(0 < row[4] < 1 for row in found)


def test_whatever_the_batches_the_scores_and_what_is_carried_are_the_same(workers: list[Worker]) -> None:
    at_once, singly, _ = workers
    together = values(at_once.take(*course("100")))
    apart = [
        value
        for one in course("200", first=0)
        for value in values(
            singly.take(record(one.source.offset + 12, one.value, minutes=int((one.received_at - NOON).total_seconds() // 60)))
        )
    ]
    np.testing.assert_allclose(together, apart, atol=1e-6)
    assert len(at_once.network.cell.asked) == 4
    assert_is_what_the_facts_make(at_once, "100")
    assert_is_what_the_facts_make(singly, "200")


def test_a_worker_that_starts_cold_goes_on_where_the_other_stopped(workers: list[Worker]) -> None:
    """In an open step and after its end; and beside it one who was never interrupted."""
    warm, cold, colder = workers
    whole = values(warm.take(*course("100", 12)))
    taken = []
    for number, one in enumerate(course("200", 12)):
        worker = (cold, colder)[number % 2]
        taken += values(worker.take(record(12 + number, one.value, minutes=int((one.received_at - NOON).total_seconds() // 60))))
    np.testing.assert_allclose(taken, whole, atol=1e-6)
    assert_is_what_the_facts_make(cold, "200")


def test_a_batch_that_is_rolled_back_leaves_no_trace(workers: list[Worker]) -> None:
    one = workers[0]
    messages = course()
    one.take(*messages[:6])
    one.network.fails = True
    with pytest.raises(psycopg.OperationalError):
        one.take(*messages[6:])
    one.network.fails = False
    again = values(one.take(*messages[6:]))
    fresh = values(
        workers[1].take(
            *(
                record(12 + n, m.value.replace(b"100^", b"300^").replace(b"100F", b"300F").replace(b"V100", b"V300"), minutes=25 * n)
                for n, m in enumerate(messages)
            )
        )
    )
    np.testing.assert_allclose(again, fresh[6:], atol=1e-6)
    assert_is_what_the_facts_make(one)


def test_what_is_lost_is_made_again_from_the_facts(workers: list[Worker]) -> None:
    one, other, _ = workers
    messages = course()
    whole = values(one.take(*messages))
    for lost in (
        "DELETE FROM vigil_store.carried",
        "UPDATE vigil_store.carried SET version = 'older'",
        r"UPDATE vigil_store.carried SET step = '\x00'",
    ):
        with connect(one.url) as connection:
            connection.execute(lost.encode())
        [score] = other.take(
            record(len(whole), oru("100", after(300 + len(whole)), WELL, filler=f"L{len(whole)}"), minutes=300 + len(whole))
        )
        whole.append(score.value or 0.0)
        assert_is_what_the_facts_make(other)


def test_no_batch_waits_for_everybodys_memory(workers: list[Worker]) -> None:
    one, other, _ = workers
    everybody = range(AT_ONCE + 3)
    one.take(*(record(n, oru(str(n), NOON, SICK, filler=f"A{n}"), minutes=1) for n in everybody))
    with connect(one.url) as connection:
        connection.execute("DELETE FROM vigil_store.carried")
    count = len(everybody)
    found = other.take(*(record(count + n, oru(str(n), after(5), SICK, filler=f"B{n}"), minutes=5) for n in everybody))
    assert len(found) == AT_ONCE
    rest = other.take(*(record(2 * len(everybody) + n, oru(str(n), after(6), SICK, filler=f"C{n}"), minutes=6) for n in everybody))
    assert len(rest) == len(everybody)
    for n in everybody:
        assert_is_what_the_facts_make(other, str(n))


def test_a_correction_of_what_is_digested_makes_the_memory_anew_without_it(workers: list[Worker]) -> None:
    one = workers[0]
    one.take(record(0, oru("100", NOON, WELL | {"lactate": 9.0}, filler="L"), minutes=0))
    one.take(*(record(n, oru("100", after(70 * n), WELL, filler=f"F{n}"), minutes=70 * n) for n in (1, 2)))
    wrong = carried(one).before
    one.take(record(3, oru("100", NOON, {"lactate": 1.0}, filler="L", status="C"), minutes=145))
    assert_is_what_the_facts_make(one)
    assert float(np.abs(carried(one).before - wrong).max()) > 0.01
    one.take(record(4, oru("100", NOON, {"lactate": 1.0}, filler="L", status="D"), minutes=150))
    assert_is_what_the_facts_make(one)


def test_a_late_result_counts_when_it_comes_and_nothing_is_made_again(workers: list[Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    one = workers[0]
    one.take(*course(count=6))
    monkeypatch.setattr(one.network.carrying, "_from_facts", lambda *_: pytest.fail("made again"))
    assert len(one.take(record(6, oru("100", after(20), {"lactate": 4.0}, filler="LATE"), minutes=130))) == 1
    assert_is_what_the_facts_make(one)


def test_two_who_are_one_have_one_memory(workers: list[Worker]) -> None:
    one = workers[0]
    one.take(*course("100", 5))
    one.take(*(record(5 + n, m.value, minutes=25 * n) for n, m in enumerate(course("200", 5))))
    one.take(record(0, merge("100", "200", after(130)), topic="hl7.adt", minutes=130))
    assert len(one.take(record(10, oru("200", after(140), SICK, filler="X"), minutes=140))) == 1
    assert_is_what_the_facts_make(one)
    assert rows(one.url, "SELECT count(*) FROM vigil_store.carried WHERE patient_id = 'HOSP:100'") == [(1,)]


def test_a_visit_that_is_moved_takes_its_facts_along(workers: list[Worker]) -> None:
    one = workers[0]
    one.take(*(record(n, oru("100", after(25 * n), SICK, filler=f"A{n}", visit="V9"), minutes=25 * n) for n in range(4)))
    one.take(record(0, moved_visit("200", "100", "V9", after(90)), topic="hl7.adt", minutes=90))
    for n, mrn in enumerate(("100", "200")):
        one.take(record(4 + n, oru(mrn, after(100 + n), WELL, filler=f"B{n}", visit=f"W{mrn}"), minutes=100 + n))
        assert_is_what_the_facts_make(one, mrn)


def test_a_backlog_is_silent_and_the_next_message_knows_all_of_it(workers: list[Worker]) -> None:
    one = workers[0]
    with connect(one.url) as connection:
        backlog.put_aside(connection.cursor(), {("hl7.oru", 0): 6}, 1)
    past, present = course(count=8)[:6], course(count=8)[6:]
    assert len(one.take(*present)) == 2
    one.now = after(205)
    filled = one.transactor.fill(Range(topic="hl7.oru", partition=0, next_offset=0, until_offset=6), past)
    assert list(filled.scores) == []
    assert rows(one.url, "SELECT count(*) FROM vigil_store.carried") == [(0,)]
    assert len(one.take(record(8, oru("100", after(201), WELL, filler="Z"), minutes=201))) == 1
    assert_is_what_the_facts_make(one)


def test_while_triton_is_away_nothing_is_told_and_nothing_is_missed(workers: list[Worker]) -> None:
    one = workers[0]
    messages = course()
    one.take(*messages[:4])
    one.network.cell.away = True
    assert one.take(*messages[4:9]) == []
    one.network.cell.away = False
    assert len(one.take(*messages[9:])) == 3
    assert_is_what_the_facts_make(one)


def test_whoever_leaves_is_forgotten(workers: list[Worker]) -> None:
    one = workers[0]
    one.take(record(0, adt("A01", "100", NOON), topic="hl7.adt"))
    one.take(*course(count=3))
    one.take(record(1, adt("A03", "100", after(80)), topic="hl7.adt", minutes=80))
    assert rows(one.url, "SELECT count(*) FROM vigil_store.carried") == [(0,)]
    one.take(record(3, oru("100", after(50), {"potassium": 4.1}, filler="K"), minutes=85))
    assert_is_what_the_facts_make(one)
