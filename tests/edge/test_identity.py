"""Patients who were taken for one, or for each other, and what must not go wrong with them: on a real PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from infra.database.connect import connect
from streams import as_of, identity
from tests.edge.test_as_of import moved_visit
from tests.hl7 import WELL, adt, merge, oru
from tests.workers import NOON, Worker, record, rows, working


@pytest.fixture
def workers(postgres_url: str) -> Iterator[list[Worker]]:
    with working(postgres_url, count=3, partitions=2) as made:
        yield made


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def last(worker: Worker) -> dict[str, list[float | None]]:
    return {code: [one.value_num for one in held] for code, held in worker.scores.moments[-1].patient.readings.items()}


HR, SPO2 = "8867-4", "59408-5"


def test_a_time_far_ahead_empties_no_later_recall(workers: list[Worker]) -> None:
    warm, cold, _ = workers
    warm.take(record(0, oru("1", NOON, {"hr": 120, "spo2": 85}, filler="A")))
    warm.take(record(1, oru("1", after(60 * 24 * 365 * 20), {"sbp": 85}, filler="B"), minutes=1))
    cold.take(record(2, oru("1", after(2), {"rr": 30}, filler="C"), minutes=2))
    assert {HR, SPO2, "8480-6", "9279-1"} <= last(cold).keys()
    assert rows(cold.url, "SELECT observed_at, flags FROM vigil.observations WHERE code = '8480-6'") == [(after(1), ["time_ahead"])]


def test_hundreds_of_updates_crowd_no_admission_out(workers: list[Worker]) -> None:
    warm, cold, _ = workers
    warm.take(record(0, adt("A01", "1", NOON), topic="hl7.adt"))
    for number in range(1, 80):
        warm.take(record(number, adt("A08", "1", after(number)), topic="hl7.adt", minutes=number))
    cold.take(record(0, oru("1", after(90), WELL), minutes=90))
    encounter = cold.scores.moments[-1].patient.encounter
    assert encounter == warm.scores.moments[-1].patient.encounter
    assert encounter is not None
    assert (encounter.encounter_id, encounter.unit) == ("V1", "4W")


def test_a_kafka_that_lost_its_log_is_read_from_where_it_begins_again(workers: list[Worker]) -> None:
    one = workers[0]
    for number in range(4):
        one.take(record(number, oru("1", after(number), WELL, filler=f"A{number}"), minutes=number))
    again = [record(number, oru("1", after(10 + number), {"hr": 140}, filler=f"B{number}"), minutes=10 + number) for number in range(2)]
    assert one.take(*again) == ["stored", "stored"]
    assert one.take(*again) == []
    assert one.take(record(2, oru("1", after(12), {"hr": 141}, filler="B2"), minutes=12)) == ["stored"]
    assert last(one)[HR][-1] == 141


def test_a_visit_that_is_moved_and_moved_back_is_where_it_was(workers: list[Worker]) -> None:
    one, _, cold = workers
    one.take(record(0, oru("1", NOON, {"hr": 120, "spo2": 85}, filler="A", visit="V9")))
    one.take(record(0, moved_visit("2", "1", "V9", after(5)), topic="hl7.adt", minutes=5))
    one.take(record(1, moved_visit("1", "2", "V9", after(6)), topic="hl7.adt", minutes=6))
    cold.take(record(1, oru("1", after(7), {"rr": 30}, filler="B", visit="V9"), minutes=7))
    assert last(cold).keys() == {HR, SPO2, "9279-1"}
    assert one.scores.moved == [("V9", "HOSP:1", "HOSP:2"), ("V9", "HOSP:2", "HOSP:1")]
    assert rows(one.url, "SELECT DISTINCT patient_id FROM vigil.observations WHERE current") == [("HOSP:1",)]


def test_what_is_still_on_its_way_for_a_moved_visit_follows_it(workers: list[Worker]) -> None:
    home, other, cold = workers
    other.take(record(0, oru("1", NOON, {"hr": 120}, filler="A", visit="V9"), partition=1))
    home.take(record(0, moved_visit("2", "1", "V9", after(5)), topic="hl7.adt", minutes=5))
    other.take(record(1, oru("1", after(4), {"spo2": 85}, filler="B", visit="V9"), partition=1, minutes=6))
    assert (other.scores.moments[-1].patient.patient_id, last(other).keys()) == ("HOSP:2", {HR, SPO2})
    home.take(record(0, oru("2", after(8), {"rr": 30}, filler="C"), minutes=8))
    assert last(home).keys() == {HR, SPO2, "9279-1"}
    other.take(record(2, oru("1", after(9), {"rr": 14}, filler="D", visit="V1"), partition=1, minutes=9))
    assert (other.scores.moments[-1].patient.patient_id, last(other).keys()) == ("HOSP:1", {"9279-1"})
    cold.take(record(1, oru("2", after(10), {"rr": 30}, filler="E"), minutes=10))
    assert last(cold).keys() == {HR, SPO2, "9279-1"}


def test_a_result_is_filed_under_the_visit_that_it_names(workers: list[Worker]) -> None:
    one = workers[0]
    one.take(record(0, adt("A01", "1", NOON, visit="V1"), topic="hl7.adt"))
    one.take(record(0, oru("1", after(1), {"hr": 80}, visit="V2"), minutes=1))
    assert rows(one.url, "SELECT encounter_id FROM vigil.observations") == [("V2",)]


def test_whoever_is_given_anothers_facts_is_scored_on_them_at_once(workers: list[Worker]) -> None:
    one = workers[0]
    one.take(record(0, oru("1", NOON, {"hr": 120}, filler="A")))
    one.take(record(0, merge("2", "1", after(1)), topic="hl7.adt", minutes=1))
    moment = one.scores.moments[-1]
    assert (moment.patient.patient_id, moment.changed) == ("HOSP:2", {HR})


def test_who_was_whom_is_known_for_every_instant_and_an_unmerge_gives_back_whoever_came_through(workers: list[Worker]) -> None:
    one = workers[0]
    url = one.url

    def told(patient_id: str, minutes: float) -> set[str]:
        with connect(url) as connection:
            _, merged, _ = as_of.recorded(connection.cursor(), patient_id)
            in_sql = {name for (name,) in connection.execute("SELECT vigil.known_as(%s, %s)", (patient_id, after(minutes)))}
        assert in_sql == as_of.known_as(patient_id, merged, after(minutes))
        return in_sql

    for number, name in enumerate("ABC"):
        one.take(record(number, oru(name, NOON, {"hr": 100 + number}, filler=name)))
    for minutes, step in ((60, ("B", "A")), (120, ("C", "B"))):
        with connect(url) as connection, connection.transaction(), connection.cursor() as cursor:
            pair = (f"HOSP:{step[1]}", f"HOSP:{step[0]}")
            assert identity.merge(cursor, [pair], after(minutes), lambda *_: None) == {f"HOSP:{step[0]}"}
    assert told("HOSP:B", 90) == {"HOSP:A", "HOSP:B"}
    assert told("HOSP:C", 90) == {"HOSP:C"}
    assert told("HOSP:C", 150) == {"HOSP:A", "HOSP:B", "HOSP:C"}
    with connect(url) as connection, connection.transaction(), connection.cursor() as cursor:
        assert identity.unmerge(cursor, "HOSP:B", after(180)) == "HOSP:C"
    assert told("HOSP:C", 150) == {"HOSP:A", "HOSP:B", "HOSP:C"}
    assert (told("HOSP:C", 200), told("HOSP:B", 200)) == ({"HOSP:C"}, {"HOSP:A", "HOSP:B"})
    found = rows(url, "SELECT patient_id, value_num FROM vigil.observations ORDER BY 2")
    assert found == [("HOSP:B", 100), ("HOSP:B", 101), ("HOSP:C", 102)]


def test_an_admission_and_a_transfer_of_one_minute_leave_the_bed_the_patient_is_in(workers: list[Worker]) -> None:
    one = workers[0]
    one.take(record(0, adt("A01", "1", NOON, unit="ED"), topic="hl7.adt"))
    one.take(record(1, adt("A02", "1", NOON, unit="ICU"), topic="hl7.adt", minutes=1))
    assert rows(one.url, "SELECT unit, until FROM vigil.locations") == [("ICU", None)]


def test_a_birth_date_of_the_past_corrects_nobody(workers: list[Worker]) -> None:
    one = workers[0]
    one.take(record(0, oru("1", after(10), WELL), minutes=10))
    child = oru("1", after(1), WELL).replace(b"19560321", b"20200101")
    one.take(replace(record(1, child), received_at=after(1)))
    assert rows(one.url, "SELECT birth_date::text FROM vigil.patients") == [("1956-03-21",)]
