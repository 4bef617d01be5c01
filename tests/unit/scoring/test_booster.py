"""Training: reproducible from its seed, calibrated, and the ONNX file says what the trees say, to the last threshold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnxruntime
import pytest

from scoring.models.booster import Trained, platt, train
from scoring.models.export import export, with_single_thresholds
from scoring.models.walk import Walked, fold
from streams.features import FEATURES

HOURS = 40


def patients(number: int) -> list[Walked]:
    """Patients whose first feature is their risk; half of all values are not known."""
    random = np.random.default_rng(11)
    found = []
    for index in range(number):
        matrix = random.normal(size=(HOURS, len(FEATURES))).astype(np.float32)
        matrix[random.uniform(size=matrix.shape) < 0.5] = np.nan
        risk = 1 / (1 + np.exp(2 - 2 * np.nan_to_num(matrix[:, 0])))
        labels = (random.uniform(size=HOURS) < risk).astype(np.float32)
        found.append(Walked(f"p{index}", matrix, labels, np.zeros(HOURS, np.float32)))
    return found


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(patients(80), seed=4, most_rounds=60)


def test_the_same_seed_gives_the_same_model(trained: Trained) -> None:
    again = train(patients(80), seed=4, most_rounds=60)
    assert again.booster.model_to_string() == trained.booster.model_to_string()
    assert (again.scale, again.shift) == (trained.scale, trained.shift)


def test_the_exported_model_says_what_the_trees_say_at_every_threshold(trained: Trained, tmp_path: Path) -> None:
    export(trained, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    matrix = np.concatenate([one.matrix for one in patients(20)] + [_on_the_edges(trained)])
    [answers] = session.run(["probability"], {"features": matrix})
    assert answers.shape == (len(matrix), 1)
    np.testing.assert_allclose(answers[:, 0], trained.probabilities(matrix), atol=1e-5)


def _on_the_edges(trained: Trained) -> np.ndarray:
    """Rows that lie on each threshold of the first feature in single precision, and just above and below it."""
    trees = trained.booster.dump_model()["tree_info"]
    thresholds = np.array([found for tree in trees for found in _thresholds(tree["tree_structure"])], np.float32)
    assert len(thresholds) > 10
    values = np.concatenate([thresholds, np.nextafter(thresholds, np.float32(np.inf)), np.nextafter(thresholds, np.float32(-np.inf))])
    matrix = np.full((len(values), len(FEATURES)), np.nan, np.float32)
    matrix[:, 0] = values
    return matrix


def _thresholds(node: dict[str, Any]) -> Iterator[float]:
    """Of the first feature, in this node and below."""
    if "threshold" in node:
        if node["split_feature"] == 0:
            yield node["threshold"]
        yield from _thresholds(node["left_child"])
        yield from _thresholds(node["right_child"])


def test_rounded_thresholds_change_no_decision(trained: Trained) -> None:
    rounded: lightgbm.Booster = with_single_thresholds(trained.booster, trained.rounds)
    matrix = _on_the_edges(trained)
    np.testing.assert_allclose(
        rounded.predict(matrix, raw_score=True), trained.booster.predict(matrix, raw_score=True, num_iteration=trained.rounds), atol=1e-9
    )  # fmt: skip


def test_platt_finds_the_sigmoid_that_made_the_labels() -> None:
    random = np.random.default_rng(2)
    raw = random.normal(size=50_000)
    labels = (random.uniform(size=raw.size) < 1 / (1 + np.exp(-(1.7 * raw - 1.1)))).astype(np.float64)
    assert platt(raw, labels) == pytest.approx((1.7, -1.1), abs=0.05)


def test_folds_are_by_patient_in_the_declared_shares() -> None:
    folds = [fold(f"p{number:06d}") for number in range(20_000)]
    shares = {name: folds.count(name) / len(folds) for name in ("train", "valid", "holdout")}
    assert shares == pytest.approx({"train": 0.6, "valid": 0.2, "holdout": 0.2}, abs=0.02)
    assert fold("p000001") == fold("p000001")
