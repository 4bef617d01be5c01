"""The schema that the migrations make: every view of the contracts, the same on a plain PostgreSQL and a TimescaleDB, and made while others write."""

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from infra.database.connect import connect
from infra.database.migrate import FOLDER, MigrationBlocked, migrate
from infra.settings import Settings
from streams import recall
from streams.movements import fold
from streams.progress import seed
from tests import databases
from tests.databases import ON_EACH_DATABASE

VIEWS = {
    "messages": "topic partition offset feed control_id message_type received_at processed_at outcome reason",
    "observations": "patient_id encounter_id code code_system value_num value_text unit observed_at received_at status current",
    "encounters": "patient_id encounter_id unit bed class admitted_at discharged_at",
    "scores": "score_id patient_id encounter_id name version value as_of scored_at mode explanation",
    "episodes": "episode_id patient_id encounter_id tier opened_at closed_at state reason",
    "pages": "page_id episode_id tier step channel target state attempts created_at accepted_at acknowledged_at acknowledged_by",
    "audit_log": "at actor action subject detail hash",
    "models": "model version served stage manifest_sha256 units since actor signed_by evidence reason",
    "write_backs": "channel patient_id name score_id version value as_of state attempts sent_score_id sent_at last_error",
    "vitals_hourly": "patient_id code hour low high mean last count",
}
COLUMNS = """
SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema IN ('vigil', 'vigil_store') ORDER BY table_schema, table_name, ordinal_position
"""
FIRST = ("0001.streams.sql", "0002.scoring.sql", "0003.alerts.sql")
"""The schema of version 0.1.0, from which every later one is an upgrade."""


@ON_EACH_DATABASE
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_its_columns(postgres_url: str, view: str) -> None:
    with connect(postgres_url) as connection:
        rows = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'vigil' AND table_name = %s", (view,)
        )
        assert set(VIEWS[view].split()) <= {name for (name,) in rows}


@ON_EACH_DATABASE
def test_migrating_again_changes_nothing(postgres_url: str) -> None:
    assert migrate(postgres_url) == 0


@pytest.mark.timescale
def test_the_same_names_and_types_with_and_without_timescaledb(postgres_url: str) -> None:
    with databases.timescale() as other, connect(postgres_url) as plain, connect(other) as timescale:
        assert plain.execute(COLUMNS).fetchall() == timescale.execute(COLUMNS).fetchall()


@pytest.fixture
def first_version(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[str]:
    """A database as version 0.1.0 left it."""
    with databases.timescale(migrated=False) if request.param == "timescale" else databases.empty() as url:
        for name in FIRST:
            shutil.copy(FOLDER / name, tmp_path)
        assert migrate(url, tmp_path) == len(FIRST)
        yield url


ON_EACH_FIRST_VERSION = pytest.mark.parametrize(
    "first_version", ["plain", pytest.param("timescale", marks=pytest.mark.timescale)], indirect=True
)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


FIRST_WORKER = (
    "SELECT topic, partition, next_offset FROM vigil_store.progress WHERE topic = 'hl7.oru' AND partition = 0 FOR UPDATE",
    "SELECT pg_advisory_xact_lock_shared(7106116561)",
    "SELECT fingerprint FROM vigil_store.message WHERE fingerprint = %(offset)s AND received_at > %(at)s - interval '7 days'",
    "SELECT patient_id, merged_into FROM vigil_store.patient WHERE merged_into IS NOT NULL AND (patient_id = 'P' OR merged_into = 'P')",
    """INSERT INTO vigil_store.message (topic, partition, "offset", feed, control_id, sent_by, message_type, received_at, processed_at, outcome, reason,
        patient_id, fingerprint) VALUES ('hl7.oru', 0, %(offset)s, 'main', '1', NULL, 'ORU^R01', %(at)s, %(at)s, 'stored', NULL, 'P', %(offset)s)""",
    """INSERT INTO vigil_store.observation (patient_id, encounter_id, code, code_system, value_num, value_text, comparator, unit, canonical_code,
        canonical_num, canonical_unit, canonical_text, observed_at, received_at, status, result_key, flags, topic, partition, "offset", ordinal)
        SELECT 'P', 'V', '8867-4', 'LN', 72, NULL, NULL, '/min', '8867-4', 72, '/min', NULL, %(at)s, %(at)s, 'final', 'K' || %(offset)s || n, NULL,
        'hl7.oru', 0, %(offset)s, n FROM generate_series(0, 7) AS n""",
    "INSERT INTO vigil_store.patient (patient_id, birth_date, sex) VALUES ('P', NULL, 'F') ON CONFLICT (patient_id) DO UPDATE SET sex = excluded.sex",
    """INSERT INTO vigil_store.encounter (patient_id, encounter_id, unit, bed, class, admitted_at, located_at, discharged_at, status, touched_at)
        VALUES ('P', 'V', '4W', '1', 'I', %(at)s, NULL, NULL, 'open', %(at)s)
        ON CONFLICT (patient_id, encounter_id) DO UPDATE SET touched_at = excluded.touched_at""",
    "UPDATE vigil_store.progress SET next_offset = %(offset)s + 1, updated_at = now() WHERE topic = 'hl7.oru' AND partition = 0 AND next_offset = %(offset)s",
)
"""What a worker of version 0.1.0 asks and writes in one transaction, written down: it goes on doing so while a later version migrates."""
EACH = 8


class Writer(threading.Thread):
    """A worker of the first version, which records a message after the other until it is told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.recorded, self.stopping = 0, threading.Event()
        self.failure: BaseException | None = None
        self.slowest_s = 0.0
        self._url = url

    def run(self) -> None:
        try:
            with connect(self._url) as connection:
                while not self.stopping.is_set():
                    began = datetime.now(UTC)
                    try:
                        self._record(connection)
                    except psycopg.OperationalError:  # chosen as the one to give way in a deadlock: a worker tries its batch again
                        continue
                    self.recorded += 1
                    self.slowest_s = max(self.slowest_s, (datetime.now(UTC) - began).total_seconds())
        except BaseException as failure:  # told to the test, which fails with it
            self.failure = failure

    def _record(self, connection: psycopg.Connection) -> None:
        with connection.transaction():
            for statement in FIRST_WORKER:
                connection.execute(statement.encode(), {"offset": self.recorded, "at": NOW + timedelta(seconds=self.recorded)})


@ON_EACH_FIRST_VERSION
def test_an_upgrade_while_a_worker_writes_loses_no_row_and_stops_nobody_for_long(first_version: str) -> None:
    with connect(first_version) as connection:
        seed(connection.cursor(), {("hl7.oru", 0): 0})
    old = Writer(first_version)
    old.start()
    while old.recorded < 50 and old.failure is None:
        old.stopping.wait(0.05)
    applied = migrate(first_version)
    reached = old.recorded
    while old.recorded < reached + 50 and old.failure is None:
        old.stopping.wait(0.05)
    old.stopping.set()
    old.join()
    assert old.failure is None
    assert applied >= 1
    assert old.slowest_s < 10.0
    with connect(first_version) as connection:
        assert connection.execute('SELECT count(*), count(DISTINCT "offset") FROM vigil.messages').fetchone() == (
            old.recorded,
            old.recorded,
        )
        assert connection.execute("SELECT count(*) FROM vigil.observations WHERE current").fetchone() == (old.recorded * EACH,)


@ON_EACH_FIRST_VERSION
def test_a_migration_gives_up_on_a_table_that_somebody_keeps_instead_of_making_all_others_wait(first_version: str) -> None:
    with connect(first_version) as keeper:
        keeper.execute("LOCK TABLE vigil_store.patient, vigil_store.observation IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(MigrationBlocked, match="keep"):
            migrate(first_version, patience_s=0.1)
        keeper.rollback()
    assert migrate(first_version) >= 1
    assert migrate(first_version) == 0


BEFORE_0008 = FOLDER.parent / "before_0008.sql"


def test_the_indexes_of_a_grown_database_are_made_beforehand_and_are_the_same(settings: Settings, tmp_path: Path) -> None:
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'vigil_store' ORDER BY 1"
    for name in FIRST:
        shutil.copy(FOLDER / name, tmp_path)
    with databases.empty() as url, databases.plain() as usual:
        migrate(url, tmp_path)
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in BEFORE_0008.read_text().split("\n\n", 1)[1].split(";")[:-1]:
                connection.execute(statement.encode())
        migrate(url)
        with connect(url) as prepared, connect(usual) as plain:
            assert prepared.execute(indexes).fetchall() == plain.execute(indexes).fetchall()


def test_visits_that_an_old_worker_wrote_after_the_movements_came_are_told_as_movements(settings: Settings, tmp_path: Path) -> None:
    for path in FOLDER.glob("000*.sql"):
        shutil.copy(path, tmp_path)
    with databases.empty() as url:
        migrate(url, tmp_path)
        with connect(url) as connection:
            for visit, status in (("V1", "open"), ("V2", "discharged"), ("V3", "cancelled")):
                connection.execute(
                    "INSERT INTO vigil_store.encounter (patient_id, encounter_id, unit, admitted_at, discharged_at, status, touched_at) VALUES ('P', %s, 'ICU', %s, %s, %s, %s)",
                    (visit, NOW, NOW + timedelta(hours=1) if status == "discharged" else None, status, NOW),
                )
        migrate(url)
        with connect(url) as connection:
            state = recall.states_of(connection.cursor(), {"P": ["P"]})["P"]
    found = fold(state.movements).encounters
    assert {(one.encounter_id, one.status, one.unit) for one in found.values()} == {
        ("V1", "open", "ICU"), ("V2", "discharged", "ICU"), ("V3", "cancelled", "ICU"),
    }  # fmt: skip


def test_a_migration_and_the_note_that_it_was_applied_come_together_or_not_at_all(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_text("CREATE TABLE made (at timestamptz);")
    with databases.empty() as url:
        migrate(url, tmp_path)
        with psycopg.connect(url) as connection:
            connection.execute("DROP TABLE made; DELETE FROM _yoyo_migration")
            connection.execute("ALTER TABLE _yoyo_migration ADD CONSTRAINT no_more CHECK (migration_id <> '1')")
        with pytest.raises(psycopg.errors.CheckViolation):
            migrate(url, tmp_path)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT to_regclass('made')").fetchone() == (None,)
            connection.execute("ALTER TABLE _yoyo_migration DROP CONSTRAINT no_more")
        assert migrate(url, tmp_path) == 1


def test_a_killed_migration_does_not_keep_the_next_one_out(settings: Settings, tmp_path: Path) -> None:
    """yoyo's lock is a row; it stays when its process is killed."""
    with databases.empty() as url:
        migrate(url, tmp_path)
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 4711)")
        (tmp_path / "1.sql").write_text("CREATE TABLE made (at timestamptz);")
        assert migrate(url, tmp_path) == 1


def test_two_who_migrate_at_once_do_it_once(settings: Settings) -> None:
    with databases.empty() as url:
        applied: list[int] = []
        both = [threading.Thread(target=lambda: applied.append(migrate(url))) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert sorted(applied)[0] == 0
        assert sorted(applied)[1] > 0
