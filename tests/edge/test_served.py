"""Model versions at the bedside on a real database and a real Triton: live and shadow side by side, refused, promoted, taken back."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner

from infra.database.connect import connect
from infra.local import triton_server
from infra.local.ports import HOST, choose
from infra.main.model import command
from infra.settings import TritonSettings, load
from scoring import stages_store
from scoring.drift import UnitDrift
from scoring.models.metadata import SHIPPED, metadata_of
from scoring.score import Abstention, Score
from scoring.served import LOOK_EVERY_S, Served, as_shipped, quantiles_of
from scoring.stages import BREACH_SCORES, Change, Evidence, Standing
from scoring.triton import registry, seal
from scoring.triton.client import TritonClient
from streams.features import FEATURES
from tests.hl7 import SICK, oru
from tests.moments import NOON, moments

MODEL = "deterioration"


class Seconds:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def with_two(folder: Path) -> Path:
    """A site's own repository with the shipped version and a second one of another name."""
    where = folder / "repository"
    shutil.copytree(SHIPPED, where)
    run = Path(shutil.copytree(SHIPPED / MODEL / "1", folder / "run"))
    metadata = metadata_of(SHIPPED, MODEL)
    (run / "metadata.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(metadata, version="second")))
    registry.add(run, where)
    return where


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One that a test may spoil."""
    return with_two(tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home without a database, and a Triton of its own over both versions where `vigil triton` lays them out."""
    home = tmp_path_factory.mktemp("home")
    ports = choose(home / "ports.json", ["grpc", "http", "metrics"])
    address = f"{HOST}:{ports['grpc']}"
    (home / "vigil.toml").write_text(f'[triton]\ngrpc = "{address}"\nrepository = "{with_two(home)}"\n')
    registry.lay_out(home / "repository", home / "triton" / "models", features=registry.schemas())
    server = triton_server.start(home / "triton" / "models", ports["grpc"], ports["http"], ports["metrics"])
    try:
        deadline = time.monotonic() + 90
        while not (triton_server.loaded(address, MODEL) and triton_server.probe(address, MODEL)) and time.monotonic() < deadline:
            time.sleep(0.2)
        yield home
    finally:
        triton_server.end(server, ports["grpc"])


@pytest.fixture
def triton(installed: Path) -> TritonSettings:
    return msgspec.structs.replace(load(installed).triton, timeout_ms=20_000, hedge_ms=10_000)


class Worker:
    """A scorer with what it told."""

    def __init__(self, settings: TritonSettings) -> None:
        self.told: list[str] = []
        self.clock = Seconds()
        self.served = Served(
            settings, self.told.append, lambda why: self.told.append(why.reason), lambda: self.told.append("new live"), UnitDrift({}), self.clock
        )  # fmt: skip

    def scored(self, url: str, *messages: bytes) -> list[Score]:
        """One batch, written, after a quarter of a minute."""
        self.clock.now += LOOK_EVERY_S
        with connect(url) as connection:
            if self.served._heeded is None:
                self.served.look(connection.cursor())
            found = self.served.score(moments(*messages), datetime.now(UTC))
            self.served.write(connection.cursor(), found)
        return found


def modes(scores: list[Score]) -> list[tuple[str, str, str]]:
    return [(one.name, one.version, one.mode) for one in scores if one.name == MODEL]


SHIPPED_VERSION = metadata_of(SHIPPED, MODEL).version


def stand(url: str, settings: TritonSettings, number: str, stage: str, reason: str = "") -> None:
    manifest = seal.checked(Path(settings.repository) / MODEL / number)
    one = Standing(
        model=MODEL,
        version=manifest.version,
        served=number,
        stage=stage,
        manifest_sha256=manifest.digest,
        units=("4W",) if stage == "pilot" else (),
    )
    with connect(url) as connection:
        change = Change(version=manifest.version, stage=stage, reason=reason)
        stages_store.write(connection.cursor(), change, one, Evidence(), (), "test", datetime.now(UTC))


def test_live_and_shadow_speak_side_by_side_and_are_kept_apart(postgres_url: str, triton: TritonSettings) -> None:
    worker = Worker(triton)
    assert modes(worker.scored(postgres_url, oru("1", NOON, SICK))) == [(MODEL, SHIPPED_VERSION, "live")]
    stand(postgres_url, triton, "2", "shadow")
    worker.scored(postgres_url, oru("2", NOON, SICK))
    both = worker.scored(postgres_url, oru("3", NOON, SICK))
    assert modes(both) == [(MODEL, SHIPPED_VERSION, "live"), (MODEL, "second", "shadow")]
    assert len({one.score_id for one in both}) == 3
    with connect(postgres_url) as connection:
        rows = connection.execute("SELECT version, mode, count(*) FROM vigil.scores WHERE name = %s GROUP BY 1, 2", (MODEL,)).fetchall()
    assert set(rows) == {(SHIPPED_VERSION, "live", 3), ("second", "shadow", 1)}
    assert worker.told == []


def test_both_versions_answer_what_their_files_say(triton: TritonSettings) -> None:
    random = np.random.default_rng(3)
    matrix = random.normal(60, 30, size=(32, len(FEATURES))).astype(np.float32)
    for number in ("1", "2"):
        file = Path(triton.repository) / MODEL / number / "model.onnx"
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        [expected] = session.run(["probability"], {"features": matrix})
        client = TritonClient(triton, metadata_of(Path(triton.repository), MODEL, number), served=number)
        np.testing.assert_allclose(client.probabilities(matrix), expected[:, 0], atol=1e-5)


def test_an_altered_live_version_keeps_silent_and_news2_speaks(postgres_url: str, repository: Path) -> None:
    with (repository / MODEL / "1" / "model.onnx").open("ab") as file:
        file.write(b" ")
    worker = Worker(TritonSettings(repository=str(repository)))
    scores = worker.scored(postgres_url, oru("1", NOON, SICK))
    assert [(one.name, one.mode) for one in scores] == [("news2", "fallback")]
    assert worker.told == ["altered"]


def test_a_version_that_was_demoted_is_heard_no_longer_within_a_quarter_of_a_minute(postgres_url: str, repository: Path) -> None:
    settings = TritonSettings(repository=str(repository), grpc="127.0.0.1:9")
    worker = Worker(settings)
    worker.scored(postgres_url, oru("1", NOON, SICK))
    stand(postgres_url, settings, "1", "shadow", "misses sepsis")
    worker.scored(postgres_url, oru("2", NOON, SICK))
    worker.told.clear()
    [news2] = worker.scored(postgres_url, oru("3", NOON, SICK))
    assert (news2.mode, worker.told) == ("fallback", ["none_live"])


def test_for_another_live_version_the_worker_begins_anew(postgres_url: str, repository: Path) -> None:
    settings = TritonSettings(repository=str(repository), grpc="127.0.0.1:9")
    worker = Worker(settings)
    worker.scored(postgres_url, oru("1", NOON, SICK))
    stand(postgres_url, settings, "2", "live")
    worker.scored(postgres_url, oru("2", NOON, SICK))
    assert worker.told[-1] == "new live"


def silent(number: int) -> Score:
    return Score(
        score_id=f"hl7.oru/0/{number}/{MODEL}", patient_id="p", encounter_id=None, name=MODEL, version=SHIPPED_VERSION, value=None, at_least=None, red=False,
        as_of=NOON, scored_at=datetime.now(UTC), mode="live", parts={}, missing=(), findings=(), at=NOON,
        abstained=Abstention(reason="unlike_training", detail="x"),
    )  # fmt: skip


def test_a_live_version_that_keeps_silent_about_everybody_is_taken_back_by_itself(postgres_url: str, repository: Path) -> None:
    settings = TritonSettings(repository=str(repository), grpc="127.0.0.1:9")
    worker = Worker(settings)
    with connect(postgres_url) as connection:
        worker.served.look(connection.cursor())
        worker.clock.now += LOOK_EVERY_S
        worker.served.write(connection.cursor(), [silent(number) for number in range(BREACH_SCORES)])
        rows = connection.execute("SELECT stage, actor, reason FROM vigil.models").fetchall()
    assert rows == [("shadow", "vigil work", f"it abstained on 100% of {BREACH_SCORES} scores")]
    [news2] = worker.served.score(moments(oru("9", NOON, SICK)), NOON)
    assert news2.mode == "fallback"


def test_drift_is_written_while_it_lasts(postgres_url: str) -> None:
    with connect(postgres_url) as connection:
        cursor = connection.cursor()
        drift = UnitDrift(quantiles_of(TritonSettings(), as_shipped(TritonSettings())))
        for number in range(20):
            drift._note("main", f"p{number}", "temperature", 98.6)
        for _ in range(2):
            stages_store.put_drifts(cursor, drift.drifting())
        assert [(one.feed, one.quantity, one.looks_like) for one in stages_store.drifts(cursor, 60)] == [("main", "temperature", "[degF]")]
        cursor.execute("UPDATE vigil_store.unit_drift SET seen_at = seen_at - interval '2 minutes'")
        assert stages_store.drifts(cursor, 60) == []


class Said(NamedTuple):
    """What a command answered."""

    returncode: int
    stdout: str
    stderr: str


def vigil(home: Path, *arguments: str) -> Said:
    result = CliRunner().invoke(command, [arguments[0], "--home", str(home), *arguments[1:]])
    return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def home(postgres_url: str, triton: TritonSettings, repository: Path, tmp_path: Path) -> Path:
    """A home with a database and a repository that a test may spoil; its Triton serves both versions."""
    place = tmp_path / "home"
    place.mkdir()
    (place / "vigil.toml").write_text(
        f'[database]\nurl = "{postgres_url}"\n[triton]\ngrpc = "{triton.grpc}"\nrepository = "{repository}"\n'
    )
    return place


def test_a_version_is_unloaded_and_loaded_again_while_the_other_goes_on_serving(installed: Path, triton: TritonSettings) -> None:
    assert vigil(installed, "unload", "2").stdout == "deterioration: serves 1\n"
    assert triton_server.loaded(triton.grpc, MODEL) == ["1"]
    assert triton_server.probe(triton.grpc, MODEL)
    assert vigil(installed, "load", "2").stdout == "deterioration: serves 1, 2\n"
    assert triton_server.probe(triton.grpc, MODEL)


def score_rows(url: str, version: str, number: int) -> None:
    began = datetime.now(UTC) - timedelta(hours=30)
    with connect(url) as connection:
        connection.execute(
            """INSERT INTO vigil_store.score (score_id, patient_id, name, version, value, at_least, red, as_of, scored_at, mode, explanation)
            SELECT 's' || n, 'p', %(model)s, %(version)s, 0.1, 0.1, false, %(at)s, %(at)s + n * interval '2 minutes', 'shadow', '{}'
            FROM generate_series(1, %(number)s) AS n""",
            {"model": MODEL, "version": version, "at": began, "number": number},
        )


def test_a_version_is_promoted_from_the_command_line_on_evidence_and_the_audit_log_says_by_whom(
    home: Path, postgres_url: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    report.write_text("{}")
    assert vigil(home, "check").stdout == "3 versions, 0 refused\n"
    early = vigil(home, "promote", "2", "pilot", "--signed-by", "Dr Okafor", "--unit", "4W", "--by", "ada")
    assert (early.returncode, "not to pilot" in early.stderr) == (1, True)
    assert vigil(home, "promote", "2", "shadow", "--by", "ada").returncode == 0
    asked = ("promote", "2", "pilot", "--signed-by", "Dr Okafor", "--unit", "4W", "--report", str(report), "--by", "ada")
    unearned = vigil(home, *asked)
    assert (unearned.returncode, "0 scores in its stage" in unearned.stderr) == (1, True)
    with connect(postgres_url) as connection:
        connection.execute("UPDATE vigil_store.model_stage SET at = at - interval '40 hours'")
    score_rows(postgres_url, "second", 1100)
    earned = vigil(home, *asked)
    assert (earned.returncode, earned.stdout) == (0, "deterioration/2 is pilot\n"), earned.stderr
    listed = vigil(home, "list").stdout.splitlines()
    assert [line.split()[:3] for line in listed] == [
        ["deterioration/1", "live", "serves"],
        ["deterioration/2", "pilot", "serves"],
        ["deterioration_sequence/1", "shadow", "serves"],
    ]
    assert vigil(home, "demote", "2", "--reason", "too many pages", "--by", "ada").returncode == 0
    with connect(postgres_url) as connection:
        actions = connection.execute("SELECT actor, action, subject FROM vigil.audit_log ORDER BY at").fetchall()
    assert actions == [("ada", f"model_{stage}", "deterioration/second") for stage in ("shadow", "pilot", "shadow")]


def test_an_altered_version_can_be_neither_loaded_nor_promoted(home: Path, repository: Path) -> None:
    with (repository / MODEL / "2" / "trees.npz").open("ab") as file:
        file.write(b" ")
    for arguments in (("load", "2"), ("promote", "2", "shadow", "--by", "ada")):
        told = vigil(home, *arguments)
        assert (told.returncode, "altered" in told.stderr, "trees.npz" in told.stderr) == (1, True, True)
    assert vigil(home, "check").returncode == 1


def test_another_number_is_not_known(home: Path) -> None:
    told = vigil(home, "unload", "7")
    assert (told.returncode, "known are: 1, 2" in told.stderr) == (2, True)
