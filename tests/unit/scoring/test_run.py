"""A whole training run in small: the twin is blind to who is held out, the served model is not, and every figure says whose it is."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from scoring.evaluate.figures import auroc
from scoring.models.booster import Way
from scoring.models.run import write_run
from scoring.models.twin import TWIN, metadata_in, unseen_by
from scoring.models.walk import Walked, fold
from streams.features import FEATURES

HOURS = 24
ROUNDS: dict[Way, int] = {"sought": 3, "drawn": 3}


def cohort() -> list[Walked]:
    """Every third one gets ill, and the first feature tells of it, a little."""
    random = np.random.default_rng(8)
    found = []
    for index in range(150):
        matrix = random.normal(size=(HOURS, len(FEATURES))).astype(np.float32)
        labels = np.zeros(HOURS, np.float32)
        if index % 3 == 0:
            labels[int(random.integers(5, HOURS - 6)) :] = 1.0
        matrix[:, 0] += 1.5 * labels
        found.append(Walked(f"p{index}", matrix, labels, np.round(random.uniform(0, 9, HOURS)).astype(np.float32)))
    return found


def is_held_out(patient: Walked) -> bool:
    return fold(patient.patient_id) == "holdout"


def run(patients: list[Walked], out: Path) -> dict[str, Any]:
    return write_run(patients, out, seed=3, data_hash="of these", say=lambda _: None, rounds=ROUNDS)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("run")
    return out, run(cohort(), out)


def test_the_same_seed_gives_the_same_run(written: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, metrics = written
    assert run(cohort(), tmp_path) == metrics
    for name in ("model.onnx", "trees.npz", "guard.json", "metadata.json", "metrics.json", "card.md", f"{TWIN}/model.onnx", f"{TWIN}/metadata.json"):  # fmt: skip
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes(), name


def test_the_twin_is_blind_to_who_is_held_out_and_the_served_model_is_not(written: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, _ = written
    run([replace(one, labels=1 - one.labels) if is_held_out(one) else one for one in cohort()], tmp_path)
    for name in ("model.onnx", "guard.json", "metadata.json"):
        assert (tmp_path / TWIN / name).read_bytes() == (out / TWIN / name).read_bytes(), name
    assert (tmp_path / "model.onnx").read_bytes() != (out / "model.onnx").read_bytes()


def test_figures_on_the_hold_out_are_the_twins(written: tuple[Path, dict[str, Any]]) -> None:
    out, metrics = written
    judged = [one for one in cohort() if is_held_out(one)]
    labels, rows = np.concatenate([one.labels for one in judged]), np.concatenate([one.matrix for one in judged])

    def by(folder: Path) -> float:
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
        [answers] = session.run(["probability"], {"features": rows})
        return auroc(labels.astype(np.float64), np.round(answers[:, 0], 9))

    assert metrics["model"]["auroc"]["value"] == pytest.approx(by(out / TWIN), abs=1e-3)
    assert metrics["model"]["auroc"]["value"] < by(out) - 0.01, "the served model has seen them, and would flatter itself"


def test_the_papers_name_the_twin_and_count_everybody(written: tuple[Path, dict[str, Any]]) -> None:
    out, metrics = written
    served, twin = metadata_in(out), metadata_in(unseen_by(out))
    assert (served.twin, metrics["twin"]["version"]) == (twin.version, twin.version)
    held_out = sum(map(is_held_out, cohort()))
    assert {name: one["patients"] for name, one in metrics["patients"].items()} == {
        "train": 150,
        "twin": 150 - held_out,
        "holdout": held_out,
    }
    assert twin.version in (out / "card.md").read_text()
    assert json.loads((out / "metrics.json").read_text()) == metrics
