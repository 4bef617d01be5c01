"""The network on a real Triton, beside the trees: the same numbers as the file, one request a batch, silent where Triton is, and as far as its stage goes."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from infra.database.connect import connect
from infra.local import triton_server
from infra.main.explain import command as explain
from infra.main.model import command as model
from infra.settings import Settings, TritonSettings
from scoring.drift import UnitDrift
from scoring.models.metadata import SHIPPED
from scoring.models.sequence.carried import advance_hidden, blank, nothing_carried
from scoring.models.sequence.metadata import sequence_metadata
from scoring.models.sequence.session import Session
from scoring.models.sequence.step import CODES, CONTEXT, HIGH, LOW, Step
from scoring.models.sequence.whole import Whole
from scoring.score import Score
from scoring.served import LOOK_EVERY_S, Served
from scoring.triton.cell import TritonCell
from scoring.triton.tries import REST_S
from scoring.voice import ModelUnavailable
from streams.progress import seed
from streams.transaction import Transactor
from tests.hl7 import SICK, WELL, oru
from tests.workers import NOON, Scores, record

NAME = "deterioration_sequence"
FOLDER = SHIPPED / NAME / "1"
METADATA = sequence_metadata(FOLDER)


def patient(settings: TritonSettings, **changes: Any) -> TritonSettings:
    """Time enough for a busy test machine; the limit itself is tested apart."""
    return msgspec.structs.replace(settings, **{"timeout_ms": 20_000, "hedge_ms": 10_000, "sequence_timeout_ms": 20_000} | changes)


@pytest.fixture
def cell(settings: Settings) -> TritonCell:
    return TritonCell(patient(settings.triton), METADATA, "1")


def inputs(rows: int, states: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patients some steps into their stays."""
    random = np.random.default_rng(rows)
    session, state = Session(FOLDER / "model.onnx"), blank(rows, METADATA.hidden)
    for _ in range(states):
        values = np.clip(random.normal((LOW + HIGH) / 2, (HIGH - LOW) / 6, (rows, len(CODES))), LOW, HIGH).astype(np.float32)
        values[random.random(values.shape) < 0.5] = np.nan
        context = np.abs(random.normal(20, 10, (rows, len(CONTEXT)))).astype(np.float32)
        before, state = state, session.step(state, values, context)[0]
    return before, values, context


@pytest.mark.parametrize("rows", [1, 7, 500])
def test_triton_answers_a_batch_with_what_the_file_and_the_weights_say(cell: TritonCell, rows: int) -> None:
    given = inputs(rows)
    answered = cell.step(*given)
    for other in (Session(FOLDER / "model.onnx"), Whole(FOLDER / "weights.npz")):
        for one, expected in zip(answered, other.step(*given), strict=True):
            np.testing.assert_allclose(one, expected, atol=1e-5, rtol=1e-5)


def test_a_whole_stay_carried_through_triton_is_the_stay_at_once(cell: TritonCell) -> None:
    whole = Whole(FOLDER / "weights.npz")
    one, other = nothing_carried(cell), nothing_carried(whole)
    random = np.random.default_rng(5)
    for hour in range(48):
        values = np.where(random.random(len(CODES)) < 0.3, random.normal((LOW + HIGH) / 2, (HIGH - LOW) / 6), np.nan).astype(np.float32)
        at = NOON + hour * (LATER - NOON)
        step = Step(values, np.array([0, 60, 1, 0, hour, hour], np.float32))
        one, answer = advance_hidden(cell, one, at, step)
        other, expected = advance_hidden(whole, other, at, step)
        assert answer.worth == pytest.approx(expected.worth, abs=1e-5)
        np.testing.assert_allclose(answer.risks, expected.risks, atol=1e-5)


LATER = NOON.replace(hour=13)


def test_a_row_does_not_depend_on_who_else_is_in_the_batch(cell: TritonCell) -> None:
    given = inputs(40)
    together = cell.step(*given)
    for row in range(3):
        for one, whole in zip(cell.step(*(part[row : row + 1] for part in given)), together, strict=True):
            np.testing.assert_allclose(one[0], whole[row], atol=1e-6, rtol=1e-6)


def test_a_real_inference_says_that_it_is_well(settings: Settings) -> None:
    assert triton_server.loaded(settings.triton.grpc, NAME) == ["1"]
    assert triton_server.probe(settings.triton.grpc, NAME)


def reason(cell: TritonCell) -> str:
    with pytest.raises(ModelUnavailable) as away:
        cell.step(*inputs(2))
    return away.value.reason


def test_away_late_and_of_other_steps_are_told_apart_and_the_circuit_opens(settings: Settings) -> None:
    seconds = [1000.0]
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        cell = TritonCell(msgspec.structs.replace(settings.triton, grpc=address), METADATA, "1", lambda: seconds[0])
        assert [reason(cell), reason(cell)] == ["timeout", "circuit_open"]
        seconds[0] += REST_S
        assert reason(cell) == "timeout"
    assert reason(TritonCell(patient(settings.triton), msgspec.structs.replace(METADATA, name="nobody"), "1")) == "away"
    assert reason(TritonCell(patient(settings.triton), msgspec.structs.replace(METADATA, step="00000000"), "1")) == "wrong_features"


class Worker:
    """The worker's whole scorer on a real database and a real Triton."""

    def __init__(self, url: str, settings: TritonSettings) -> None:
        self.seconds, self.told = 1000.0, list[str]()
        self.served = Served(settings, self.told.append, lambda _: None, lambda: None, UnitDrift({}), lambda: self.seconds)
        nobody = Scores()
        nobody.decide = lambda *_: None  # type: ignore[method-assign]
        self.transactor: Transactor[Any] = Transactor(
            lambda: connect(url), self.served, nobody, now=lambda: datetime.now(UTC), timezones={}, quarantine=lambda _: None
        )
        with connect(url) as connection:
            seed(connection.cursor(), {("hl7.oru", 0): 0})
            self.served.look(connection.cursor())

    def take(self, *records: Any) -> list[Score]:
        self.seconds += LOOK_EVERY_S
        return list(self.transactor.record(records).scores)


@pytest.fixture
def working(postgres_url: str) -> Iterator[Callable[[TritonSettings], Worker]]:
    """Workers on one database."""
    made: list[Worker] = []

    def begin(settings: TritonSettings) -> Worker:
        made.append(Worker(postgres_url, settings))
        return made[-1]

    yield begin
    for one in made:
        one.transactor.forget()


def names(scores: list[Score]) -> list[tuple[str, str]]:
    return [(one.name, one.mode) for one in scores]


def test_it_speaks_beside_the_trees_as_a_shadow(working: Callable[[TritonSettings], Worker], settings: Settings) -> None:
    worker = working(patient(settings.triton))
    scores = worker.take(record(0, oru("1", NOON, SICK)), record(1, oru("2", NOON, WELL)))
    assert names(scores) == [("news2", "live"), ("deterioration", "live")] * 2 + [(NAME, "shadow")] * 2
    assert worker.told == []


def test_where_triton_is_away_it_is_not_asked_as_well_and_nothing_is_missed(
    working: Callable[[TritonSettings], Worker], settings: Settings
) -> None:
    worker = working(patient(settings.triton))
    first = worker.take(record(0, oru("1", NOON, SICK)))[-1]
    good = worker.served._settings
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        away = msgspec.structs.replace(good, grpc=f"127.0.0.1:{deaf.getsockname()[1]}", timeout_ms=50, sequence_timeout_ms=60_000)
        other = working(away)
        assert names(other.take(record(1, oru("1", LATER, SICK), minutes=60))) == [("news2", "fallback")]
    back = worker.take(record(2, oru("1", LATER, {"lactate": 4.2}, filler="X"), minutes=61))[-1]
    assert (first.name, back.name, first.value != back.value) == (NAME, NAME, True)


def said(home: Path, *arguments: str) -> str:
    result = CliRunner().invoke(model, [arguments[0], "--home", str(home), *arguments[1:]], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_its_stage_is_kept_apart_from_the_trees_and_a_retired_one_is_silent(
    working: Callable[[TritonSettings], Worker], postgres_url: str, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "vigil.toml").write_text(f'[database]\nurl = "{postgres_url}"\n[triton]\ngrpc = "{settings.triton.grpc}"\n')
    assert [line.split()[:3] for line in said(tmp_path, "list").splitlines()] == [
        ["deterioration/1", "live", "serves"],
        [f"{NAME}/1", "shadow", "serves"],
    ]
    worker = working(patient(settings.triton))
    worker.take(record(0, oru("1", NOON, SICK)))
    said(tmp_path, "demote", "1", "--model", NAME, "--to", "retired", "--reason", "for the test", "--by", "ada")
    assert NAME in [one.name for one in worker.take(record(1, oru("1", NOON, SICK, filler="B"), minutes=1))]
    assert NAME not in [one.name for one in worker.take(record(2, oru("1", NOON, SICK, filler="C"), minutes=2))]


def test_its_score_is_explained_by_what_was_known_and_comes_out_the_same(
    working: Callable[[TritonSettings], Worker], postgres_url: str, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "vigil.toml").write_text(f'[database]\nurl = "{postgres_url}"\n[triton]\ngrpc = "{settings.triton.grpc}"\n')
    worker = working(patient(settings.triton))
    made = []
    for n in range(7):
        made += worker.take(
            record(n, oru("1", NOON.replace(minute=5 * n), SICK | {"lactate": 2.1 + n / 3}, filler=f"A{n}"), minutes=5 + 45 * n)
        )
    for score in (one for one in made if one.name == NAME):
        result = CliRunner().invoke(explain, ["--home", str(tmp_path), "--json", score.score_id])
        told = msgspec.json.decode(result.stdout)
        assert (result.exit_code, told["matches"]) == (0, True)
        assert told["base"] + sum(told["moved"].values()) == pytest.approx(told["raw"], abs=1e-3)
        assert told["recomputed"]["value"] == pytest.approx(score.value, abs=1e-5)
    assert told["words"]
    assert {one["name"] for one in told["findings"]} <= set(told["moved"])
    plain = CliRunner().invoke(explain, ["--home", str(tmp_path), score.score_id]).stdout
    assert "because of " in plain
    assert plain.rstrip().endswith("the same")
