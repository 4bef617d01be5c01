"""The shipped model: the features it was trained on are the bedside's, and no score sees the future."""

import msgspec
import numpy as np
import onnxruntime
import pytest

from scoring.models.cinc2019 import trajectory
from scoring.models.metadata import SHIPPED, metadata_of
from scoring.models.walk import walk
from streams.features import FEATURES, VERSION

HEAD = "HR|O2Sat|Temp|SBP|MAP|DBP|Resp|Lactate|Age|Gender|HospAdmTime|ICULOS|SepsisLabel"


def psv(hours: int, shift: float = 0.0, after: int = 10_000) -> str:
    rows = []
    for hour in range(1, hours + 1):
        more = shift if hour > after else 0.0
        rows.append(
            f"{70 + hour + more}|97|36.8|{120 - more}|80|65|{14 + hour % 4}|{'NaN' if hour % 5 else 1.2 + more / 20}|64|1|-5|{hour}|0"
        )
    return "\n".join([HEAD, *rows])


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(SHIPPED / "deterioration" / "1" / "model.onnx"), providers=["CPUExecutionProvider"])


def test_the_model_was_trained_on_the_features_of_the_bedside() -> None:
    metadata = metadata_of(SHIPPED, "deterioration")
    assert metadata.features == VERSION
    assert metadata.feature_names == FEATURES
    assert 0 < metadata.threshold < 1


def test_the_served_configuration_has_the_models_shape() -> None:
    for folder in ("repository", "gpu"):
        assert f"dims: [ -1, {len(FEATURES)} ]" in (SHIPPED.parent / folder / "deterioration" / "config.pbtxt").read_text()


def test_changing_the_future_changes_no_score_of_the_past(session: onnxruntime.InferenceSession) -> None:
    one, other = walk(trajectory("p", psv(30))), walk(trajectory("p", psv(30, shift=40, after=20)))
    np.testing.assert_array_equal(one.matrix[:20], other.matrix[:20])
    assert not np.array_equal(one.matrix[20:], other.matrix[20:], equal_nan=True)
    [before] = session.run(["probability"], {"features": one.matrix})
    [after] = session.run(["probability"], {"features": other.matrix})
    np.testing.assert_array_equal(before[:20], after[:20])
    assert ((before >= 0) & (before <= 1)).all()


def test_the_card_and_the_metrics_tell_the_same_story() -> None:
    metrics = msgspec.json.decode((SHIPPED / "deterioration" / "1" / "metrics.json").read_bytes())
    card = (SHIPPED / "deterioration" / "1" / "card.md").read_text()
    assert f"{metrics['model']['auroc']['value']:.3f}" in card
    assert metrics["parity_onnx"] < 1e-5
    assert metrics["model"]["auroc"]["low"] > metrics["news2"]["auroc"]["high"]
