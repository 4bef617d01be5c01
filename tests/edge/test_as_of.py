"""What was known when: the SQL functions and the pure ones give the same for every instant, through corrections, merges and moved visits."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from infra.database.connect import connect
from streams import as_of, identity
from tests.databases import ON_EACH_DATABASE
from tests.hl7 import WELL, adt, at, head, merge, oru, segments, where, who
from tests.workers import NOON, Worker, record, working

pytestmark = ON_EACH_DATABASE

SQL_OBSERVATIONS = 'SELECT topic, partition, "offset", ordinal FROM vigil.observations_as_of(%s, %s)'
SQL_EVENTS = "SELECT topic, partition, \"offset\", ordinal FROM vigil.events_as_of(%s, %s) WHERE kind NOT IN ('move', 'precaution', 'team')"


@pytest.fixture
def worker(postgres_url: str) -> Iterator[Worker]:
    with working(postgres_url) as [one]:
        yield one


def moved_visit(mrn: str, old_mrn: str, visit: str, time: datetime) -> bytes:
    """ADT^A45: the visit filed under `old_mrn` is `mrn`'s."""
    return segments(
        [
            head("ADT^A45^ADT_A45", time),
            f"EVN|A45|{at(time)}",
            who(mrn),
            f"MRG|{old_mrn}^^^HOSP^MR||||{visit}",
            where("4W", "12", visit, time),
        ]
    )


def story(worker: Worker) -> None:
    """A preliminary result, its correction, a late one, a deletion, a transfer, a merge, and a visit that was another's."""
    taken = [
        (adt("A01", "100", NOON), 0, "hl7.adt"),
        (oru("100", NOON, {"potassium": 6.9}, filler="L1", status="P"), 10, "hl7.oru"),
        (oru("100", NOON, {"potassium": 4.1}, filler="L1"), 30, "hl7.oru"),
        (oru("100", NOON + timedelta(minutes=5), WELL, filler="V1"), 40, "hl7.oru"),
        (oru("100", NOON, {"potassium": 4.4}, filler="L1", status="C"), 60, "hl7.oru"),
        (adt("A02", "100", NOON + timedelta(minutes=50), unit="ICU"), 61, "hl7.adt"),
        (oru("200", NOON + timedelta(minutes=20), {"lactate": 2.0}, filler="L9"), 70, "hl7.oru"),
        (merge("100", "200", NOON + timedelta(minutes=80)), 80, "hl7.adt"),
        (oru("100", NOON, {"potassium": 4.4}, filler="L1", status="D"), 90, "hl7.oru"),
        (adt("A01", "300", NOON + timedelta(minutes=1), visit="V300"), 94, "hl7.adt"),
        (oru("300", NOON + timedelta(minutes=2), {"creatinine": 3.0}, filler="L7", visit="V300"), 95, "hl7.oru"),
        (moved_visit("100", "300", "V300", NOON + timedelta(minutes=100)), 100, "hl7.adt"),
    ]
    offsets = {"hl7.adt": 0, "hl7.oru": 0}
    for value, minutes, topic in taken:
        assert worker.take(record(offsets[topic], value, topic=topic, minutes=minutes)) == ["stored"]
        offsets[topic] += 1


def values(worker: Worker, patient_id: str, instant: datetime) -> list[tuple[str, float | None]]:
    with connect(worker.url) as connection:
        rows = connection.execute(
            "SELECT code, value_num FROM vigil.observations_as_of(%s, %s) WHERE status <> 'deleted'", (patient_id, instant)
        )
        return [(code, value) for code, value in rows if code in ("2823-3", "2524-7", "2160-0")]


def after(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_at_every_instant_the_two_know_the_same(worker: Worker) -> None:
    story(worker)
    seen = set()
    with connect(worker.url) as connection:
        for patient_id in ("HOSP:100", "HOSP:200", "HOSP:300"):
            _, merged, facts = as_of.recorded(connection.cursor(), patient_id)
            for minutes in (*range(0, 120, 5), 24 * 60, 24 * 60 * 365):
                instant = after(minutes)
                told: list[Any] = connection.execute(SQL_OBSERVATIONS, (patient_id, instant)).fetchall()
                told += connection.execute(SQL_EVENTS, (patient_id, instant)).fetchall()
                found = as_of.known(facts, as_of.known_as(patient_id, merged, instant), instant)
                assert sorted(one.place for one in found) == sorted(told)
                seen.add(len(told))
    assert len(seen) > 5


def test_a_correction_is_known_from_its_receipt_on_and_not_before(worker: Worker) -> None:
    story(worker)
    known = [values(worker, "HOSP:100", after(minutes)) for minutes in (5, 15, 35, 65, 91)]
    assert known == [[], [("2823-3", 6.9)], [("2823-3", 4.1)], [("2823-3", 4.4)], []]


def test_a_visit_filed_under_the_wrong_patient_is_theirs_until_it_was_told(worker: Worker) -> None:
    story(worker)
    assert ("2160-0", 3.0) in values(worker, "HOSP:300", after(96))
    assert values(worker, "HOSP:300", after(101)) == []
    assert ("2160-0", 3.0) not in values(worker, "HOSP:100", after(96))
    assert ("2160-0", 3.0) in values(worker, "HOSP:100", after(101))
    with connect(worker.url) as connection:
        current = connection.execute("SELECT patient_id FROM vigil.observations WHERE code = '2160-0' AND current").fetchall()
        assert current == [("HOSP:100",)]
        assert connection.execute("SELECT count(*) FROM vigil.encounters WHERE patient_id = 'HOSP:300'").fetchone() == (0,)


def test_the_state_made_of_what_was_known_is_the_one_that_was_scored(worker: Worker) -> None:
    story(worker)
    with connect(worker.url) as connection:
        nobody, merged, facts = as_of.recorded(connection.cursor(), "HOSP:100")
    for moment in worker.scores.moments:
        if moment.patient.patient_id != "HOSP:100" or moment.received_at >= after(
            80
        ):  # a merge is known from when it was recorded, later in this story
            continue
        found = as_of.known(facts, as_of.known_as("HOSP:100", merged, moment.received_at), moment.received_at)
        made = as_of.state(nobody, found)
        assert made.readings == moment.patient.readings
        assert made.encounter == moment.patient.encounter


def test_a_merge_that_is_taken_back_leaves_two_patients_as_they_were(worker: Worker) -> None:
    story(worker)
    with connect(worker.url) as connection:
        assert connection.execute("SELECT count(*) FROM vigil.observations WHERE patient_id = 'HOSP:200'").fetchone() == (0,)
        with connection.transaction(), connection.cursor() as cursor:
            assert identity.unmerge(cursor, "HOSP:200", NOON) == "HOSP:100"
            assert identity.unmerge(cursor, "HOSP:200", NOON) is None
        assert connection.execute("SELECT value_num FROM vigil.observations WHERE patient_id = 'HOSP:200'").fetchall() == [(2.0,)]
        assert connection.execute("SELECT encounter_id, unit FROM vigil.encounters WHERE patient_id = 'HOSP:200'").fetchall() == [
            ("V200", "4W")
        ]
        assert connection.execute("SELECT encounter_id FROM vigil.encounters WHERE patient_id = 'HOSP:100' ORDER BY 1").fetchall() == [
            ("V100",), ("V300",),
        ]  # fmt: skip
    worker.take(record(7, oru("200", after(120), {"lactate": 3.0}, filler="L10"), minutes=120))
    assert [reading.value_num for reading in worker.scores.moments[-1].patient.readings["2524-7"]] == [2.0, 3.0]


def test_where_a_patient_was_is_a_view(worker: Worker) -> None:
    story(worker)
    with connect(worker.url) as connection:
        rows = connection.execute(
            "SELECT unit, since, until FROM vigil.locations WHERE patient_id = 'HOSP:100' AND encounter_id = 'V100' ORDER BY since"
        )
        assert rows.fetchall() == [("4W", NOON, after(50)), ("ICU", after(50), None)]


def test_orders_and_notes_of_a_visit_that_was_moved_were_the_others_until_then(worker: Worker) -> None:
    order = segments([head("OML^O21", NOON), who("300"), where("4W", "12", "V300", NOON), "ORC|NW|P1", "OBR|1|P1||K^Potassium^L"])
    note = segments([head("MDM^T02", NOON), who("300"), where("4W", "12", "V300", NOON), "TXA|1|PN|TX|||||||||D1", "OBX|1|TX|||seen"])
    worker.take(record(0, order), record(1, note, minutes=1))
    for offset, (mrn, old, minutes) in enumerate([("100", "300", 60), ("200", "100", 120)]):
        worker.take(record(offset, moved_visit(mrn, old, "V300", NOON + timedelta(minutes=minutes)), topic="hl7.adt", minutes=minutes))
    for asked, minutes, owner in [
        ("300", 30, True),
        ("300", 90, False),
        ("100", 30, False),
        ("100", 90, True),
        ("100", 150, False),
        ("200", 150, True),
    ]:
        with connect(worker.url) as connection:
            names = (f"HOSP:{asked}", NOON + timedelta(minutes=minutes))
            orders = connection.execute("SELECT placer_number, encounter_id FROM vigil.orders_as_of(%s, %s)", names).fetchall()
            notes = connection.execute("SELECT document_id, body FROM vigil.notes_as_of(%s, %s)", names).fetchall()
        assert (orders, notes) == (([("P1", "V300")], [("D1", "seen")]) if owner else ([], [])), (asked, minutes)
