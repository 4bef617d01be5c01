"""What lies back for long: hourly figures for charts, corrections and late results in compressed chunks, and what is kept for how long."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from infra.database import retention
from infra.database.connect import connect
from infra.main.migrate import days_of
from infra.settings import DatabaseSettings
from parsers.codes import CANONICAL
from tests.databases import ON_EACH_DATABASE, ON_TIMESCALE
from tests.hl7 import merge, oru
from tests.workers import NOON, Worker, record, rows, working

HEART_RATE = "8867-4"
HOURLY = "SELECT patient_id, hour, low, high, mean, last, count FROM vigil.vitals_hourly WHERE code = '8867-4' ORDER BY patient_id, hour"


@pytest.fixture
def worker(postgres_url: str) -> Iterator[Worker]:
    with working(postgres_url) as [one]:
        yield one


def pulse(
    offset: int, minutes: int, value: float, *, since: datetime = NOON, mrn: str = "100", filler: str | None = None, status: str = "F",
    sent: int | None = None,
) -> Any:  # fmt: skip
    """One heart rate, so many minutes after `since`; received then, or `sent` minutes after."""
    received = minutes if sent is None else sent
    message = oru(
        mrn, since + timedelta(minutes=minutes), {"hr": value}, filler=filler, status=status, sent=since + timedelta(minutes=received)
    )
    return replace(record(offset, message), received_at=since + timedelta(minutes=received))


YESTERDAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def compress(url: str) -> int:
    """Has TimescaleDB do at once what its policy does once a chunk is older than seven days; tells how many chunks that were."""
    with connect(url, autocommit=True) as connection:
        chunks = connection.execute("SELECT show_chunks('vigil_store.observation')::text").fetchall()
        for (chunk,) in chunks:
            connection.execute("CALL convert_to_columnstore(%s::regclass, if_not_columnstore => true)", (chunk,))
        return len(chunks)


def run_policies(url: str, name: str) -> None:
    """Does at once what TimescaleDB's scheduler does by and by. Its own run may be under way; where the two lock each other out, once more."""
    with connect(url, autocommit=True) as connection:
        jobs = connection.execute("SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = %s", (name,)).fetchall()
        assert jobs
        for (job,) in jobs:
            for _ in range(5):
                with suppress(psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable):
                    connection.execute(f"CALL run_job({job})".encode())
                    break


def refresh(url: str) -> None:
    """Brings the hourly figures up to date as far as they are kept ready."""
    run_policies(url, "policy_refresh_continuous_aggregate")


def unpacked_rows(url: str) -> int:
    """Rows of compressed chunks that lie in them uncompressed, as changes leave them until the policy comes by."""
    with connect(url) as connection:
        chunks = connection.execute("SELECT show_chunks('vigil_store.observation')::text").fetchall()
        counts = [connection.execute(f"SELECT count(*) FROM ONLY {chunk}".encode()).fetchall()[0][0] for (chunk,) in chunks]  # noqa: S608
        return sum(counts)


@ON_EACH_DATABASE
def test_an_hours_vital_signs_in_one_row(worker: Worker) -> None:
    worker.take(
        pulse(0, 1, 70, since=YESTERDAY),
        pulse(1, 20, 90, since=YESTERDAY),
        pulse(2, 59, 80, since=YESTERDAY),
        pulse(3, 60, 100, since=YESTERDAY),
        pulse(4, 61, 110, since=YESTERDAY, mrn="200"),
    )
    assert rows(worker.url, HOURLY) == [
        ("HOSP:100", YESTERDAY, 70, 90, 80, 80, 3),
        ("HOSP:100", YESTERDAY + timedelta(hours=1), 100, 100, 100, 100, 1),
        ("HOSP:200", YESTERDAY + timedelta(hours=1), 110, 110, 110, 110, 1),
    ]


@ON_EACH_DATABASE
def test_what_was_corrected_or_deleted_is_in_no_hourly_figure(worker: Worker) -> None:
    worker.take(
        pulse(0, 1, 70, since=YESTERDAY), pulse(1, 10, 180, since=YESTERDAY, filler="A"), pulse(2, 20, 200, since=YESTERDAY, filler="B")
    )
    worker.take(pulse(3, 10, 80, since=YESTERDAY, filler="A", status="C", sent=90))
    deletion = oru("100", YESTERDAY + timedelta(minutes=20), {"hr": 200}, filler="B", status="D", sent=YESTERDAY + timedelta(minutes=95))
    worker.take(replace(record(4, deletion.replace(b"||200|", b"|||")), received_at=YESTERDAY + timedelta(minutes=95)))
    assert rows(worker.url, HOURLY) == [("HOSP:100", YESTERDAY, 70, 80, 75, 80, 2)]


@ON_EACH_DATABASE
def test_after_a_merge_an_hour_holds_both_numbers_figures(worker: Worker) -> None:
    worker.take(
        pulse(0, 1, 70, since=YESTERDAY, mrn="OLD"),
        pulse(1, 31, 90, since=YESTERDAY, mrn="OLD"),
        pulse(2, 16, 110, since=YESTERDAY, mrn="NEW"),
        pulse(3, 20, 60, since=YESTERDAY, mrn="OTHER"),
    )
    worker.take(record(0, merge("NEW", "OLD", YESTERDAY + timedelta(minutes=40)), topic="hl7.adt"))
    assert rows(worker.url, HOURLY) == [("HOSP:NEW", YESTERDAY, 70, 110, 90, 90, 3), ("HOSP:OTHER", YESTERDAY, 60, 60, 60, 60, 1)]
    assert rows(worker.url, "SELECT count FROM vigil.vitals_hourly WHERE patient_id = 'HOSP:OLD'") == []


@ON_EACH_DATABASE
def test_the_hourly_figures_are_of_codes_that_vigil_works_with(postgres_url: str) -> None:
    if _timescale(postgres_url):
        [(definition,)] = rows(postgres_url, "SELECT view_definition FROM timescaledb_information.continuous_aggregates")
    else:
        [(definition,)] = rows(postgres_url, "SELECT pg_get_viewdef('vigil_store.vitals_hourly'::regclass)")
    codes = set(re.findall(r"'(\d+-\d)'", definition))
    assert {HEART_RATE, "9279-1", "59408-5", "8480-6", "8310-5"} <= codes <= set(CANONICAL)


@ON_EACH_DATABASE
@pytest.mark.parametrize("view", ["observations", "scores", "vitals_hourly"])
def test_a_question_about_one_patient_reads_that_patients_rows_only(worker: Worker, view: str) -> None:
    worker.take(pulse(0, 1, 70, since=YESTERDAY, mrn="OLD"), pulse(1, 16, 110, since=YESTERDAY, mrn="NEW"))
    worker.take(record(0, merge("NEW", "OLD", YESTERDAY + timedelta(minutes=40)), topic="hl7.adt"))
    with connect(worker.url) as connection:
        connection.execute(
            """
            INSERT INTO vigil_store.observation (patient_id, code, canonical_code, canonical_num, observed_at, received_at, status, topic, partition, "offset", ordinal)
            SELECT 'HOSP:' || n, '8867-4', '8867-4', 70, %(at)s, %(at)s, 'final', 'hl7.oru', 3, n, 0 FROM generate_series(1000, 20000) AS n
            """,
            {"at": YESTERDAY},
        )
        connection.execute(
            """
            INSERT INTO vigil_store.score (score_id, patient_id, name, version, red, as_of, scored_at, mode, explanation)
            SELECT 's/' || n, 'HOSP:' || n, 'news2', '1', false, %(at)s, %(at)s, 'live', '{}' FROM generate_series(1000, 20000) AS n
            """,
            {"at": YESTERDAY},
        )
        connection.execute("ANALYZE vigil_store.observation, vigil_store.score, vigil_store.patient")
        plan = connection.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM vigil.{view} WHERE patient_id = 'HOSP:NEW'".encode()  # noqa: S608
        ).fetchall()
        [(counted,)] = connection.execute(f"SELECT count(*) FROM vigil.{view}".encode()).fetchall()  # noqa: S608
    assert _rows_read(plan[0][0][0]["Plan"]) < 100
    assert counted >= 19_001


def _rows_read(plan: dict[str, Any]) -> float:
    """Rows that a plan's nodes handed on or threw away."""
    own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return float(own) + sum(_rows_read(below) for below in plan.get("Plans", []))


def _timescale(url: str) -> bool:
    return rows(url, "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'") == [(1,)]


@ON_TIMESCALE
def test_facts_are_hypertables_whose_unique_keys_hold_the_time(postgres_url: str) -> None:
    query = """
        SELECT h.hypertable_name, d.column_name, (SELECT bool_and(d.column_name = ANY(
            SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)))
            FROM pg_index AS i WHERE i.indrelid = format('%I.%I', h.hypertable_schema, h.hypertable_name)::regclass AND i.indisunique)
        FROM timescaledb_information.hypertables AS h JOIN timescaledb_information.dimensions AS d USING (hypertable_schema, hypertable_name)
        WHERE h.hypertable_schema = 'vigil_store' ORDER BY 1
    """
    assert rows(postgres_url, query) == [
        ("event", "occurred_at", True),
        ("message", "received_at", True),
        ("observation", "observed_at", True),
        ("score", "scored_at", True),
    ]


@ON_TIMESCALE
def test_chunks_are_compressed_once_no_late_data_is_expected(postgres_url: str) -> None:
    query = """
        SELECT coalesce(a.view_name, j.hypertable_name), (config ->> 'compress_after')::interval FROM timescaledb_information.jobs AS j
        LEFT JOIN timescaledb_information.continuous_aggregates AS a
            ON (a.materialization_hypertable_schema, a.materialization_hypertable_name) = (j.hypertable_schema, j.hypertable_name)
        WHERE proc_name IN ('policy_compression', 'policy_columnstore') ORDER BY 1
    """
    assert rows(postgres_url, query) == [
        *((name, timedelta(days=7)) for name in ("event", "message", "observation", "score")), ("vitals_hourly", timedelta(days=30)),
    ]  # fmt: skip


@ON_TIMESCALE
def test_a_late_result_and_a_correction_reach_a_compressed_chunk(worker: Worker) -> None:
    worker.take(pulse(0, 1, 70), pulse(1, 10, 180, filler="A"), pulse(2, 30, 75))
    assert compress(worker.url) > 0
    assert unpacked_rows(worker.url) == 0
    assert worker.take(pulse(3, 40, 90, sent=60 * 24 * 9)) == ["stored"]
    assert worker.take(pulse(4, 10, 80, filler="A", status="C", sent=60 * 24 * 9 + 1)) == ["stored"]
    found = rows(worker.url, "SELECT value_num, current FROM vigil.observations ORDER BY observed_at, received_at")
    assert found == [(70, True), (180, False), (80, True), (75, True), (90, True)]
    refresh(worker.url)
    assert rows(worker.url, HOURLY) == [("HOSP:100", NOON, 70, 90, 78.75, 90, 4)]


@ON_TIMESCALE
def test_a_correction_unpacks_only_what_it_is_about(worker: Worker) -> None:
    """TimescaleDB refuses a statement that would unpack more than 100,000 rows: one correction would stop a worker for good."""
    with connect(worker.url) as connection:
        connection.execute(
            """
            INSERT INTO vigil_store.observation (patient_id, code, canonical_code, canonical_num, observed_at, received_at, status, result_key, topic, partition,
                "offset", ordinal)
            SELECT 'HOSP:' || patient, '8867-4', '8867-4', 70, at, at, 'final', patient || '/' || at, 'hl7.oru', 3, extract(epoch FROM at), patient
            FROM generate_series(300, 699) AS patient, generate_series(%(noon)s - interval '2 days', %(noon)s, interval '10 minutes') AS at
            """,
            {"noon": NOON},
        )
    worker.take(pulse(0, 5, 180, mrn="300", filler="A"))
    assert compress(worker.url) == 3
    assert worker.take(pulse(1, 5, 80, mrn="300", filler="A", status="C", sent=60 * 24 * 9)) == ["stored"]
    assert rows(worker.url, "SELECT value_num FROM vigil.observations WHERE current AND recorded_as = 'HOSP:300' AND value_num > 70") == [
        (80,)
    ]
    assert unpacked_rows(worker.url) < 500


@ON_TIMESCALE
def test_the_hourly_figures_that_are_kept_ready_follow_a_correction_at_the_next_refresh(worker: Worker) -> None:
    worker.take(pulse(0, 1, 70), pulse(1, 10, 180, filler="A"))
    compress(worker.url)
    refresh(worker.url)
    assert rows(worker.url, HOURLY) == [("HOSP:100", NOON, 70, 180, 125, 180, 2)]
    worker.take(pulse(2, 10, 80, filler="A", status="C", sent=60 * 24 * 9), pulse(3, 30, 90, sent=60 * 24 * 9))
    refresh(worker.url)
    assert rows(worker.url, HOURLY) == [("HOSP:100", NOON, 70, 90, 80, 90, 3)]


@ON_TIMESCALE
def test_the_last_seven_days_are_summed_up_when_somebody_asks(worker: Worker) -> None:
    """A refresh never keeps an hour ready in which corrections are still usual."""
    today = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    since = int((today - NOON).total_seconds() / 60)
    worker.take(record(0, oru("100", today + timedelta(minutes=1), {"hr": 180}, filler="A"), minutes=since + 5))
    refresh(worker.url)
    corrected = oru("100", today + timedelta(minutes=1), {"hr": 80}, filler="A", status="C", sent=today + timedelta(hours=2))
    worker.take(record(1, corrected, minutes=since + 125))
    assert rows(worker.url, HOURLY) == [("HOSP:100", today, 80, 80, 80, 80, 1)]


KEEP = DatabaseSettings(keep_messages_days=90, keep_observations_days=400)


@ON_TIMESCALE
def test_timescaledb_drops_by_itself_what_the_settings_do_not_keep(postgres_url: str) -> None:
    query = """
        SELECT coalesce(a.view_name, j.hypertable_name), (config ->> 'drop_after')::interval FROM timescaledb_information.jobs AS j
        LEFT JOIN timescaledb_information.continuous_aggregates AS a
            ON (a.materialization_hypertable_schema, a.materialization_hypertable_name) = (j.hypertable_schema, j.hypertable_name)
        WHERE proc_name = 'policy_retention' ORDER BY 1
    """
    with connect(postgres_url) as connection:
        retention.apply(connection, days_of(KEEP))
    assert rows(postgres_url, query) == [
        ("message", timedelta(days=90)), ("observation", timedelta(days=400)), ("vitals_hourly", timedelta(days=400)),
    ]  # fmt: skip
    with connect(postgres_url) as connection:
        retention.apply(connection, days_of(DatabaseSettings()))
    assert rows(postgres_url, query) == []


@ON_EACH_DATABASE
def test_old_facts_go_and_all_others_stay(worker: Worker) -> None:
    now = datetime.now(UTC)
    ages = (1, 399, 500)
    for offset, days in enumerate(ages):
        at = now - timedelta(days=days)
        worker.take(record(offset, oru("100", at, {"hr": 70 + days}), minutes=int((at - NOON).total_seconds() / 60)))
    with connect(worker.url) as connection:
        kept = retention.apply(connection, days_of(KEEP))
    deleted = {one.facts: one.deleted for one in kept}
    if _timescale(worker.url):
        assert set(deleted.values()) == {None}
        run_policies(worker.url, "policy_retention")
    else:
        assert deleted == {"messages": 2, "observations": 1, "scores": 0}
    assert rows(worker.url, "SELECT value_num FROM vigil.observations ORDER BY 1") == [(71,), (469,)]
    assert rows(worker.url, 'SELECT "offset" FROM vigil.messages') == [(0,)]
