"""One batch, one transaction, on a real PostgreSQL: whatever is redelivered, disordered or taken away, the same rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest

from infra.database.connect import connect
from streams.processing import REUSED, Taken
from streams.progress import Gap
from streams.record import Record
from streams.transaction import Transactor
from streams.writer import attempt
from tests.databases import ON_EACH_DATABASE
from tests.hl7 import SICK, WELL, adt, head, merge, oru, segments, who
from tests.workers import NOON, Worker, record, rows, working

pytestmark = ON_EACH_DATABASE


@pytest.fixture
def worker(postgres_url: str) -> Iterator[Worker]:
    with working(postgres_url, partitions=2) as [one]:
        yield one


def test_a_batch_delivered_three_times_is_recorded_once(worker: Worker) -> None:
    batch = [record(n, oru("100", NOON + timedelta(minutes=n), WELL)) for n in range(5)]
    assert worker.take(*batch) == ["stored"] * 5
    assert worker.take(*batch) == []
    assert worker.take(*batch[3:], record(5, oru("100", NOON + timedelta(minutes=9), WELL))) == ["stored"]
    assert rows(worker.url, 'SELECT count(*), count(DISTINCT "offset") FROM vigil.messages') == [(6, 6)]
    assert rows(worker.url, "SELECT count(*) FROM vigil.observations WHERE current") == [(6 * len(WELL),)]


def test_an_offset_ahead_is_a_gap_and_writes_nothing(worker: Worker) -> None:
    worker.take(record(0, oru("100", NOON, WELL)))
    with pytest.raises(Gap) as gap:
        worker.take(record(1, oru("100", NOON, WELL)), record(3, oru("100", NOON, WELL)))
    assert (gap.value.expected, gap.value.found) == (2, 3)
    assert rows(worker.url, "SELECT count(*) FROM vigil.messages") == [(1,)]


def test_a_worker_that_lost_its_partition_writes_nothing_twice(worker: Worker) -> None:
    other = Worker(worker.url)
    batch = [record(n, oru("100", NOON + timedelta(minutes=n), WELL)) for n in range(3)]
    assert other.take(*batch) == ["stored"] * 3
    assert worker.take(*batch) == []
    other.transactor.forget()
    assert rows(worker.url, "SELECT next_offset FROM vigil_store.progress WHERE topic = 'hl7.oru' AND partition = 0") == [(3,)]


def test_the_same_message_again_is_a_duplicate_and_changes_nothing(worker: Worker) -> None:
    message = oru("100", NOON, SICK)
    assert worker.take(record(0, message), record(1, message)) == ["stored", "duplicate"]
    assert worker.take(record(2, message)) == ["duplicate"]
    assert rows(worker.url, "SELECT count(*) FROM vigil.observations") == [(len(SICK),)]
    assert len(worker.scores.moments) == 1


def test_what_cannot_be_read_is_set_aside_with_its_reason_before_the_batch_commits(worker: Worker) -> None:
    outcomes = worker.take(
        record(0, b"no HL7 at all"), record(1, oru("100", NOON, WELL)), record(2, b"MSH|^~\\&|", refused="100: segment sequence error")
    )
    assert outcomes == ["quarantined", "stored", "quarantined"]
    assert [taken.record.source.offset for taken in worker.set_aside] == [0, 2]
    reasons = [
        reason for (reason,) in rows(worker.url, "SELECT reason FROM vigil.messages WHERE outcome = 'quarantined' ORDER BY \"offset\"")
    ]
    assert reasons[1] == "100: segment sequence error"
    assert all(reasons)


def test_when_the_quarantine_cannot_confirm_nothing_is_written(worker: Worker, postgres_url: str) -> None:
    def away(_: Sequence[Taken]) -> None:
        raise ConnectionError

    failing: Transactor[Any] = Transactor(
        lambda: connect(postgres_url), worker.scores, worker.scores, now=lambda: NOON, timezones={}, quarantine=away
    )
    with pytest.raises(ConnectionError):
        failing.record([record(0, b"junk"), record(1, oru("100", NOON, WELL))])
    assert rows(worker.url, "SELECT count(*) FROM vigil.messages") == [(0,)]
    assert worker.take(record(0, b"junk")) == ["quarantined"]


def test_a_cold_worker_recalls_the_state_that_the_warm_one_had(worker: Worker) -> None:
    worker.take(record(0, adt("A01", "100", NOON), topic="hl7.adt"))
    for n in range(4):
        worker.take(record(n, oru("100", NOON + timedelta(hours=n), SICK if n % 2 else WELL, filler=f"F{n}"), minutes=60 * n))
    cold = Worker(worker.url)
    last = record(4, oru("100", NOON + timedelta(hours=4), WELL, filler="F4"), minutes=240)
    cold.take(last)
    warm_then = worker.scores.moments[-1].patient
    recalled = cold.scores.moments[-1].patient
    cold.transactor.forget()
    for code, readings in warm_then.readings.items():
        assert recalled.readings[code][: len(readings)] == readings
    assert recalled.encounter == warm_then.encounter
    assert (recalled.birth_date, recalled.sex) == (warm_then.birth_date, warm_then.sex)


@pytest.mark.parametrize("place", ["PID|1||{}^^^HOSP^MR", "PV1|1|I|4W^1^1||||||||||||||||{}"])
def test_what_no_index_takes_is_set_aside_alone_and_stops_nobody(worker: Worker, place: str) -> None:
    long = place.format(token_hex(4000))
    lines = [head("ORU^R01^ORU_R01", NOON), *([] if place.startswith("PID") else [who("7")]), long, "OBR|1||L1|18748-4^Report^LN"]
    bad = segments([*lines, "OBX|1|NM|8867-4^Heart rate^LN||72|/min|||||F|||20260301120000+0000"])
    found = attempt([record(0, bad), record(1, oru("100", NOON, WELL))], worker.transactor.record)
    assert [taken.outcome for taken in found.taken] == ["quarantined", "stored"]


def named(offset: int, value: bytes, control_id: str) -> Record:
    return replace(record(offset, value, minutes=offset), control_id=control_id, sent_by="LAB")


def test_a_control_id_that_comes_again_with_other_contents_is_taken_in_and_told(worker: Worker) -> None:
    first, second = oru("100", NOON, WELL, filler="A"), oru("100", NOON + timedelta(hours=1), WELL, filler="B")
    assert worker.take(named(0, first, "7"), named(1, second, "7"), named(2, first, "7")) == ["stored", "stored", "duplicate"]
    assert (
        worker.take(named(3, oru("100", NOON, WELL, filler="C"), "7\0"), named(4, oru("100", NOON, WELL, filler="D"), "8"))
        == ["stored"] * 2
    )
    assert worker.take(named(5, oru("100", NOON, WELL, filler="E"), "8")) == ["stored"]
    told = rows(worker.url, "SELECT reason FROM vigil.messages WHERE outcome = 'stored' ORDER BY \"offset\"")
    assert told == [(None,), (REUSED,), (None,), (None,), (REUSED,)]


def test_the_lines_of_one_result_are_replaced_together(worker: Worker) -> None:
    lines = [
        head("ORU^R01^ORU_R01", NOON), who("100"), "OBR|1||L1|18748-4^Report^LN|||20260301120000+0000",
        "OBX|1|TX|18748-4^Report^LN||first line||||||P", "OBX|2|TX|18748-4^Report^LN||second line||||||P",
    ]  # fmt: skip
    final = [line.replace("line||||||P", "line, final||||||F") for line in lines]
    worker.take(record(0, segments(lines)))
    worker.take(record(1, segments(final), minutes=5))
    told = rows(worker.url, 'SELECT value_text, current FROM vigil.observations ORDER BY "offset", ordinal')
    assert told == [("first line", False), ("second line", False), ("first line, final", True), ("second line, final", True)]


def test_a_correction_supersedes_the_earlier_version_and_both_stay(worker: Worker) -> None:
    first = oru("100", NOON, {"potassium": 6.9}, filler="L1")
    corrected = oru("100", NOON, {"potassium": 4.1}, filler="L1", status="C", sent=NOON + timedelta(hours=1))
    worker.take(record(0, first))
    worker.take(record(1, corrected, minutes=60))
    found = rows(worker.url, "SELECT value_num, status, current FROM vigil.observations ORDER BY received_at")
    assert found == [(6.9, "final", False), (4.1, "corrected", True)]
    [reading] = worker.scores.moments[-1].patient.readings["2823-3"]
    assert reading.value_num == 4.1


def test_a_deletion_takes_the_value_away_and_scores_anew(worker: Worker) -> None:
    worker.take(record(0, oru("100", NOON, {"hr": 180}, filler="D1")))
    worker.take(
        record(
            1,
            oru("100", NOON, {"hr": 180}, filler="D1", status="D", sent=NOON + timedelta(minutes=5)).replace(b"||180|", b"|||"),
            minutes=5,
        )
    )
    assert rows(worker.url, "SELECT count(*) FROM vigil.observations WHERE current") == [(0,)]
    assert worker.scores.moments[-1].changed == {"8867-4"}
    assert [reading.value_num for reading in worker.scores.moments[-1].patient.readings["8867-4"]] == [None]


def test_a_final_result_replaces_its_preliminary_one(worker: Worker) -> None:
    worker.take(record(0, oru("100", NOON, {"lactate": 2.0}, filler="L2", status="P")))
    worker.take(record(1, oru("100", NOON, {"lactate": 2.4}, filler="L2", status="F", sent=NOON + timedelta(minutes=5)), minutes=5))
    assert rows(worker.url, "SELECT value_num FROM vigil.observations WHERE current") == [(2.4,)]


def test_after_a_merge_both_histories_are_the_survivors(worker: Worker) -> None:
    worker.take(record(0, oru("OLD", NOON, WELL)), record(1, oru("NEW", NOON + timedelta(minutes=1), {"lactate": 2.0})))
    worker.take(record(0, merge("NEW", "OLD", NOON + timedelta(minutes=2)), topic="hl7.adt"))
    worker.take(record(2, oru("OLD", NOON + timedelta(minutes=3), {"creatinine": 1.4}), minutes=3))
    assert worker.scores.merged == [("HOSP:OLD", "HOSP:NEW")]
    assert rows(worker.url, "SELECT DISTINCT patient_id FROM vigil.observations") == [("HOSP:NEW",)]
    assert rows(worker.url, "SELECT count(DISTINCT recorded_as) FROM vigil.observations") == [(2,)]
    latest = worker.scores.moments[-1].patient
    assert latest.patient_id == "HOSP:NEW"
    assert {"8867-4", "2524-7", "2160-0"} <= set(latest.readings)


def test_a_merge_and_its_reverse_leave_one_current_patient(worker: Worker) -> None:
    worker.take(record(0, merge("B", "A", NOON), topic="hl7.adt"), record(1, merge("A", "B", NOON + timedelta(minutes=1)), topic="hl7.adt"))
    worker.take(record(0, oru("A", NOON, WELL)), record(1, oru("B", NOON + timedelta(minutes=1), WELL)))
    assert len(rows(worker.url, "SELECT DISTINCT patient_id FROM vigil.observations")) == 1
