"""The trained model as ONNX, calibration included: `features` FP32 [N, F] in, `probability` FP32 [N, 1] out, whoever runs it."""

from pathlib import Path

import lightgbm
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from scoring.models.booster import Trained
from streams.features import FEATURES

OPSET = 15
"""What the ONNX Runtime beside numpy 1 (Triton's environment) and every stock Triton image of the last years read."""


def export(trained: Trained, path: Path) -> None:
    """Writes the model. The trees give raw scores in the graph; sigmoid and calibration follow as ordinary nodes."""
    trees = convert_lightgbm(
        with_single_thresholds(trained.booster), initial_types=[("features", FloatTensorType([None, len(FEATURES)]))], target_opset=OPSET, zipmap=False
    )  # fmt: skip
    graph = trees.graph
    ensemble = next(node for node in graph.node if node.op_type.startswith("TreeEnsemble"))
    _as_raw_regressor(graph, ensemble)
    for name, value in (("scale", trained.scale), ("shift", trained.shift)):
        graph.initializer.append(numpy_helper.from_array(np.array([value], np.float32), name))
    graph.node.extend(
        [
            helper.make_node("Mul", ["raw", "scale"], ["scaled"]),
            helper.make_node("Add", ["scaled", "shift"], ["shifted"]),
            helper.make_node("Sigmoid", ["shifted"], ["probability"]),
        ]
    )
    graph.name = "deterioration"  # the converter draws a random one, and the same training would give another file
    graph.output.append(helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None, 1]))
    onnx.checker.check_model(trees)
    path.write_bytes(trees.SerializeToString())


def with_single_thresholds(booster: lightgbm.Booster) -> lightgbm.Booster:
    """The same trees with every threshold lowered to the nearest float32 below it.

    For float32 inputs no decision changes by that; rounding up instead, as a plain conversion may, sends the value just above a
    threshold the wrong way (measured: probabilities off by 0.004).
    """
    lines = booster.model_to_string().splitlines()
    lowered = [
        "threshold=" + " ".join(repr(_below(float(one))) for one in line[10:].split()) if line.startswith("threshold=") else line
        for line in lines
    ]
    text = "\n".join(line for line in lowered if not line.startswith("tree_sizes="))
    return lightgbm.Booster(model_str=text)


def _below(threshold: float) -> float:
    single = np.float32(threshold)
    if float(single) > threshold:
        single = np.nextafter(single, np.float32(-np.inf))
    return float(single)


def _as_raw_regressor(graph: onnx.GraphProto, classifier: onnx.NodeProto) -> None:
    """Turns the classifier that the converter makes into a regressor of the trees' sum: one number a row, and nothing else in the graph."""
    attributes = {}
    for attribute in classifier.attribute:
        value = helper.get_attribute_value(attribute)
        name = attribute.name
        if name.startswith("classlabels") or name in ("post_transform", "base_values"):
            continue
        attributes[name.replace("class_", "target_", 1)] = value
    count = len(attributes["target_ids"])
    attributes["target_ids"] = [0] * count
    regressor = helper.make_node(
        "TreeEnsembleRegressor", ["features"], ["raw"], domain="ai.onnx.ml", n_targets=1, post_transform="NONE", **attributes
    )
    del graph.node[:]
    del graph.output[:]
    del graph.initializer[:]
    graph.node.append(regressor)
