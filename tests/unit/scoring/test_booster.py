"""Training: reproducible from its seed, calibrated, and the ONNX file says what the trees say, to the last threshold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnxruntime
import pytest

from scoring.models.bag import bagged
from scoring.models.booster import Trained, Way, platt, train
from scoring.models.export import export, with_single_thresholds
from scoring.models.walk import Walked, fold
from streams.features import FEATURES

HOURS = 40
ZERO = 1.1e-35
"""LightGBM counts numbers up to 1e-35 as 0 (kZeroThreshold, LightGBM, meta.h); no measurement is so small, and ONNX does not."""
FEW: dict[Way, int] = {"sought": 12, "drawn": 12}


def patients(number: int) -> list[Walked]:
    """Every second one gets ill at some hour, and the first feature tells of it from six hours before; half of all values are not known."""
    random = np.random.default_rng(11)
    found = []
    for index in range(number):
        matrix = random.normal(size=(HOURS, len(FEATURES))).astype(np.float32)
        labels = np.zeros(HOURS, np.float32)
        if index % 2:
            labels[int(random.integers(5, HOURS - 8)) :] = 1.0
        matrix[:, 0] += 2 * labels
        matrix[random.uniform(size=matrix.shape) < 0.5] = np.nan
        found.append(Walked(f"p{index}", matrix, labels, np.zeros(HOURS, np.float32)))
    return found


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(patients(80), seed=4, rounds=FEW)


def test_the_same_seed_gives_the_same_model(trained: Trained) -> None:
    again = train(patients(80), seed=4, rounds=FEW)
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
    """Rows that lie on each threshold of the first feature in single precision, and just above and below it; what LightGBM takes for 0 is no such row."""
    trees = trained.booster.dump_model()["tree_info"]
    thresholds = np.array([found for tree in trees for found in _thresholds(tree["tree_structure"])], np.float32)
    assert len(thresholds) > 10
    values = np.concatenate([thresholds, np.nextafter(thresholds, np.float32(np.inf)), np.nextafter(thresholds, np.float32(-np.inf))])
    values = values[np.abs(values) > ZERO]
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
    rounded: lightgbm.Booster = with_single_thresholds(trained.booster)
    matrix = _on_the_edges(trained)
    np.testing.assert_allclose(rounded.predict(matrix, raw_score=True), trained.booster.predict(matrix, raw_score=True), atol=1e-9)


def test_a_bag_says_the_mean_of_what_its_members_say() -> None:
    random = np.random.default_rng(5)
    matrix = random.normal(size=(600, 4))
    labels = (matrix[:, 1] + random.normal(size=600) > 0.5).astype(np.float64)
    members = [
        lightgbm.train({"objective": "binary", "verbosity": -1, "num_leaves": leaves, "seed": leaves}, lightgbm.Dataset(matrix, labels), num_boost_round=rounds)
        for leaves, rounds in ((4, 3), (15, 11), (31, 1))
    ]  # fmt: skip
    expected = np.mean([one.predict(matrix, raw_score=True) for one in members], axis=0)
    np.testing.assert_allclose(bagged(members).predict(matrix, raw_score=True), expected, atol=1e-12)


def test_what_is_said_of_a_training_patient_comes_from_members_that_never_saw_the_patient() -> None:
    cohort = patients(60)
    odd = cohort[1]
    flipped = [Walked(one.patient_id, one.matrix, 1 - one.labels if one is odd else one.labels, one.news2_at_least) for one in cohort]
    as_it_was, otherwise = (train(some, seed=4, rounds=FEW).unseen for some in (cohort, flipped))
    np.testing.assert_array_equal(as_it_was[odd.patient_id], otherwise[odd.patient_id])
    assert any((as_it_was[one.patient_id] != otherwise[one.patient_id]).any() for one in cohort)


def test_a_training_that_was_cut_off_goes_on_with_the_members_that_were_kept(trained: Trained, tmp_path: Path) -> None:
    class CutOff(Exception):
        pass

    def stop(done: int, _: int) -> None:
        if done == 8:
            raise CutOff

    with pytest.raises(CutOff):
        train(patients(80), seed=4, rounds=FEW, on_member=stop, kept=tmp_path)
    kept = {one.name: one.stat().st_mtime_ns for one in tmp_path.iterdir()}
    again = train(patients(80), seed=4, rounds=FEW, kept=tmp_path)
    assert len(kept) == 8
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in kept} == kept, "none of them was grown again"
    assert again.booster.model_to_string() == trained.booster.model_to_string()
    np.testing.assert_array_equal(again.unseen["p1"], trained.unseen["p1"])
    train(patients(80), seed=5, rounds=FEW, kept=tmp_path)
    assert len(list(tmp_path.iterdir())) == 40, "another recipe makes other members"


def test_without_an_event_there_is_nothing_to_learn() -> None:
    with pytest.raises(ValueError, match="nothing to learn"):
        train([one for one in patients(20) if not one.labels.any()], seed=1, rounds=FEW)


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
