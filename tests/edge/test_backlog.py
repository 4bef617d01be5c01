"""Live before backlog, on a real PostgreSQL: the past is filled in beside the present, once, and nobody is paged about what is over."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from infra.database.connect import connect
from parsers.events import Move
from streams import backlog, recall
from streams.backlog import Range, judged_now
from streams.processing import Moment, Taken
from streams.progress import Gap, seed
from streams.record import Record, Source
from streams.transaction import Recorded, Transactor
from tests.hl7 import SICK, WELL, oru

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = NOON + timedelta(hours=2)
PLACE = ("hl7.oru", 0)


class Judge:
    """Scores nothing, and notes which moments it was asked to decide on."""

    def __init__(self) -> None:
        self.scored: list[Moment] = []
        self.decided: list[Moment] = []

    def recall(self, cursor: psycopg.Cursor, moments: Sequence[Moment]) -> None:
        assert not cursor.closed

    def score(self, moments: Sequence[Moment], now: datetime) -> list[Moment]:
        self.scored.extend(moments)
        return list(moments)

    def write(self, cursor: psycopg.Cursor, scores: Sequence[Moment]) -> None:
        assert not cursor.closed

    def decide(self, cursor: psycopg.Cursor, moments: Sequence[Moment], scores: Sequence[Moment], now: datetime) -> None:
        self.decided.extend(moments)

    def merge(self, cursor: psycopg.Cursor, from_id: str, into_id: str, now: datetime) -> None:
        raise AssertionError("no merge in these stories")

    def move(self, cursor: psycopg.Cursor, event: Move, into_id: str, from_id: str, now: datetime) -> None:
        raise AssertionError("no visit is moved in these stories")


def nobody(_: Sequence[Taken]) -> None:
    raise AssertionError("nothing is set aside in these stories")


Worker = Callable[[Judge], Transactor[Any]]


@pytest.fixture
def worker(url: str) -> Iterator[Worker]:
    made: list[Transactor[Any]] = []

    def make(judge: Judge) -> Transactor[Any]:
        made.append(Transactor(lambda: connect(url), judge, judge, now=lambda: NOW, timezones={}, quarantine=nobody))
        return made[-1]

    yield make
    for one in made:
        one.forget()


MESSAGES = [oru(str(number % 3), NOON + timedelta(minutes=number), SICK if number % 4 == 0 else WELL) for number in range(30)]


def record(offset: int) -> Record:
    source = Source(topic=PLACE[0], partition=PLACE[1], offset=offset)
    return Record(source=source, value=MESSAGES[offset], received_at=NOON + timedelta(minutes=offset), feed="main")


@pytest.fixture
def url(postgres_url: str) -> str:
    with connect(postgres_url) as connection:
        seed(connection.cursor(), {PLACE: 0})
    return postgres_url


def rows(url: str) -> list[tuple[Any, ...]]:
    with connect(url) as connection:
        return connection.execute(
            'SELECT patient_id, code, value_num, value_text, observed_at, received_at, current, "offset" FROM vigil.observations ORDER BY "offset", code'
        ).fetchall()


def ranges(url: str) -> list[tuple[int, int]]:
    with connect(url) as connection:
        return [(one.next_offset, one.until_offset) for one in backlog.ranges(connection.cursor())]


def put_aside(one: Transactor[Any], until: int, least: int = 1) -> list[Range]:
    return one.ask(lambda cursor: backlog.put_aside(cursor, {PLACE: until}, least))


def test_the_present_goes_first_and_the_past_gives_the_same_rows_and_states(url: str, worker: Worker) -> None:
    one = worker(Judge())
    one.record([record(offset) for offset in range(5)])
    [found] = put_aside(one, 20)
    one.record([record(offset) for offset in range(20, 30)])
    assert ranges(url) == [(5, 20)]
    for begin in (5, 12):
        one.fill(found, [record(offset) for offset in range(begin, min(begin + 7, 20))])
    one.fill(found, [record(19)])
    assert ranges(url) == []
    assert [row[-1] for row in rows(url)] == [offset for offset in range(30) for _ in WELL]
    beside = one.states.held()
    recalled = one.ask(lambda cursor: recall.states_of(cursor, {name: [name] for name in beside}))
    assert {name: state.readings for name, state in recalled.items()} == {name: state.readings for name, state in beside.items()}


def test_a_range_filled_by_two_workers_is_recorded_once(url: str, worker: Worker) -> None:
    first, second = worker(Judge()), worker(Judge())
    [found] = put_aside(first, 10)
    batch = [record(offset) for offset in range(6)]
    outcomes = [len(one.fill(found, batch).taken) for one in (first, second, first)]
    assert outcomes == [6, 0, 0]
    assert [len(one.fill(found, [record(offset) for offset in range(3, 10)]).taken) for one in (second, first)] == [4, 0]
    assert [row[-1] for row in rows(url)] == [offset for offset in range(10) for _ in WELL]


def test_a_worker_that_still_holds_the_old_offsets_finds_them_behind(url: str, worker: Worker) -> None:
    one = worker(Judge())
    put_aside(one, 10)
    assert list(one.record([record(offset) for offset in range(10)]).taken) == []
    assert rows(url) == []
    assert len(one.record([record(10)]).taken) == 1


def test_a_hole_in_what_kafka_hands_over_stops_the_range_and_writes_nothing(url: str, worker: Worker) -> None:
    one = worker(Judge())
    [found] = put_aside(one, 10)
    with pytest.raises(Gap):
        one.fill(found, [record(2), record(3)])
    assert (ranges(url), rows(url)) == ([(0, 10)], [])


def test_too_few_messages_are_left_in_their_order(url: str, worker: Worker) -> None:
    assert put_aside(worker(Judge()), 10, least=11) == []
    assert ranges(url) == []


def test_of_the_past_every_moment_is_scored_and_only_the_present_is_decided_on(url: str, worker: Worker) -> None:
    judge = Judge()
    one = worker(judge)
    [found] = put_aside(one, 9)
    one.fill(found, [record(offset) for offset in range(9)])
    assert len(judge.scored) == 9
    assert [(moment.patient.patient_id, moment.received_at) for moment in judge.decided] == [(f"HOSP:{number}", NOW) for number in range(3)]


def test_the_present_moment_knows_every_code_that_the_past_ones_changed(url: str, worker: Worker) -> None:
    judge = Judge()
    one = worker(judge)
    found: Recorded[Any] = one.record([record(offset) for offset in range(6)])
    assert len(found.taken) == 6
    brought, present = judged_now(judge.scored, NOW)
    assert (
        {str(moment.source) for moment in brought if moment.received_at == NOW}
        == present
        == {f"hl7.oru/0/{offset}" for offset in (3, 4, 5)}
    )
