"""A worker that starts cold has the states the warm one had: from kept states and what came since, from the facts alone, whoever wrote beside it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from infra.database.connect import connect
from streams import backlog, snapshots
from streams.backlog import Range
from streams.movements import Encounter
from streams.patient import PatientState
from tests.databases import ON_EACH_DATABASE
from tests.hl7 import SICK, WELL, adt, at, head, merge, oru, segments, where, who
from tests.workers import NOON, Worker, record, rows, working

pytestmark = ON_EACH_DATABASE


@pytest.fixture(autouse=True)
def every_few_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 20)


@pytest.fixture
def url(postgres_url: str, workers: list[Worker]) -> str:
    assert workers
    return postgres_url


@pytest.fixture
def workers(postgres_url: str) -> Iterator[list[Worker]]:
    with working(postgres_url, count=3, partitions=2) as made:
        yield made


def hourly(worker: Worker, first: int, count: int, mrn: str = "100") -> None:
    for n in range(first, first + count):
        assert worker.take(record(n, oru(mrn, NOON + timedelta(hours=n), SICK if n % 3 else WELL, filler=f"F{n}"), minutes=60 * n)) == [
            "stored"
        ]


def kept(url: str) -> list[str]:
    return [name for (name,) in rows(url, "SELECT patient_id FROM vigil_store.snapshot ORDER BY 1")]


def last(worker: Worker) -> PatientState:
    return worker.scores.moments[-1].patient


def test_a_kept_state_and_what_came_since_are_the_whole(workers: list[Worker], url: str) -> None:
    warm, cold, other = workers
    warm.take(record(0, adt("A01", "100", NOON), topic="hl7.adt"))
    hourly(warm, 0, 8)
    warm.take(record(1, adt("A02", "100", NOON + timedelta(hours=7), unit="ICU"), topic="hl7.adt", minutes=430))
    assert kept(url) == ["HOSP:100"]
    hourly(cold, 8, 1)
    with connect(url) as connection:
        connection.execute("DELETE FROM vigil_store.snapshot")
    hourly(other, 9, 1)
    hourly(warm, 10, 1)
    from_facts, beside = last(other), last(cold)
    assert {code: held[:-1] for code, held in from_facts.readings.items()} == beside.readings
    assert from_facts.movements == beside.movements
    assert from_facts.encounter == beside.encounter == last(warm).encounter
    assert isinstance(beside.encounter, Encounter)
    assert beside.encounter.unit == "ICU"


def test_a_state_is_packed_and_unpacked_unchanged(workers: list[Worker]) -> None:
    workers[0].take(record(0, adt("A01", "100", NOON), topic="hl7.adt"))
    hourly(workers[0], 0, 5)
    state = last(workers[0])
    assert snapshots.unpacked(snapshots.packed(state)) == state


def test_a_worker_that_was_frozen_and_one_that_took_over_know_of_each_others_facts(workers: list[Worker]) -> None:
    frozen, other, _ = workers
    hourly(frozen, 0, 3)
    hourly(other, 3, 2)
    assert len(last(other).readings["8867-4"]) == 5
    frozen.take(record(0, adt("A03", "100", NOON + timedelta(hours=4, minutes=30)), topic="hl7.adt", minutes=270))
    assert len(last(frozen).readings["8867-4"]) == 5
    hourly(other, 5, 1)
    encounter = last(other).encounter
    assert encounter is not None
    assert encounter.status == "discharged"


def test_what_is_filled_in_from_a_backlog_drops_what_was_kept(workers: list[Worker], url: str) -> None:
    warm, cold, _ = workers
    hourly(warm, 0, 2)
    late = [record(n, oru("100", NOON + timedelta(hours=n), WELL, filler=f"F{n}"), minutes=60 * n) for n in (2, 3)]
    [found] = warm.transactor.ask(lambda cursor: backlog.put_aside(cursor, {("hl7.oru", 0): 4}, 1))
    hourly(warm, 4, 3)
    assert kept(url) == ["HOSP:100"]
    assert len(warm.transactor.fill(Range(topic="hl7.oru", partition=0, next_offset=2, until_offset=4), late).taken) == 2
    assert (kept(url), found.until_offset) == ([], 4)
    hourly(cold, 7, 1)
    assert len(last(cold).readings["8867-4"]) == 8


def swap(one: str, other: str, hours: int) -> bytes:
    """ADT^A17: two patients change beds."""
    time = NOON + timedelta(hours=hours)
    return segments(
        [
            head("ADT^A17^ADT_A17", time), f"EVN|A17|{at(time)}", who(one), where("ICU", "1", f"V{one}", NOON), who(other),
            where("4W", "9", f"V{other}", NOON),
        ]
    )  # fmt: skip


def test_a_swap_reaches_the_patient_whose_partition_another_worker_holds(workers: list[Worker], url: str) -> None:
    mine, others, cold = workers
    mine.take(record(0, adt("A01", "100", NOON), topic="hl7.adt"))
    others.take(record(0, adt("A01", "200", NOON, unit="ICU"), topic="hl7.adt", partition=1))
    for n in range(4):
        others.take(record(n, oru("200", NOON + timedelta(hours=n), WELL, filler=f"G{n}"), partition=1, minutes=60 * n))
    assert kept(url) == ["HOSP:200"]
    assert mine.take(record(1, swap("100", "200", 5), topic="hl7.adt", minutes=300)) == ["stored"]
    for worker, offset in ((others, 4), (cold, 5)):
        worker.take(record(offset, oru("200", NOON + timedelta(hours=6), WELL, filler=f"G{offset}"), partition=1, minutes=360))
        encounter = last(worker).encounter
        assert encounter is not None
        assert (encounter.unit, encounter.bed) == ("4W", "9-1")
    assert rows(url, "SELECT patient_id, unit FROM vigil.encounters ORDER BY 1") == [("HOSP:100", "ICU"), ("HOSP:200", "4W")]


def test_a_merge_is_seen_by_the_worker_that_still_gets_the_old_number(workers: list[Worker], url: str) -> None:
    one, other, _ = workers
    hourly(one, 0, 2)
    other.take(record(0, oru("200", NOON + timedelta(hours=1), SICK, filler="G0"), partition=1, minutes=60))
    one.take(record(0, merge("100", "200", NOON + timedelta(hours=2)), topic="hl7.adt", minutes=120))
    other.take(record(1, oru("200", NOON + timedelta(hours=3), SICK, filler="G1"), partition=1, minutes=180))
    assert last(other).patient_id == "HOSP:100"
    assert len(last(other).readings["8867-4"]) == 4
    hourly(one, 2, 1)
    assert len(last(one).readings["8867-4"]) == 5
    assert rows(url, "SELECT DISTINCT patient_id FROM vigil.observations") == [("HOSP:100",)]


def test_a_correction_under_the_new_number_replaces_what_came_under_the_old_one(workers: list[Worker], url: str) -> None:
    one = workers[0]
    one.take(record(0, oru("200", NOON, {"potassium": 6.9}, filler="L1")))
    one.take(record(0, merge("100", "200", NOON), topic="hl7.adt", minutes=5))
    one.take(record(1, oru("100", NOON, {"potassium": 4.1}, filler="L1", status="C", sent=NOON + timedelta(minutes=9)), minutes=10))
    one.take(record(2, oru("200", NOON, {"potassium": 4.2}, filler="L1", status="C", sent=NOON + timedelta(minutes=19)), minutes=20))
    assert rows(url, "SELECT value_num, current FROM vigil.observations ORDER BY received_at") == [(6.9, False), (4.1, False), (4.2, True)]
    with connect(url) as connection:
        later = connection.execute(
            "SELECT value_num FROM vigil.observations_as_of('HOSP:100', %s)", (NOON + timedelta(hours=9),)
        ).fetchall()
    assert later == [(4.2,)]


def test_who_has_left_is_held_no_longer(workers: list[Worker], url: str) -> None:
    one = workers[0]
    one.take(record(0, adt("A01", "100", NOON), topic="hl7.adt"))
    hourly(one, 0, 4)
    assert (list(one.transactor.states.held()), kept(url)) == (["HOSP:100"], ["HOSP:100"])
    one.take(record(1, adt("A03", "100", NOON + timedelta(hours=5)), topic="hl7.adt", minutes=300))
    assert (list(one.transactor.states.held()), kept(url)) == ([], [])
