"""One step of the trained network as ONNX, scaling and plausibility included: the file holds all that turns raw values into risks.

Inputs, FP32: `state` [N, S], `values` [N, C] in canonical units (NaN: not measured), `context` [N, 6] (NaN: not known). Outputs, FP32: `next_state`
[N, S], `risks` [N, tasks·horizons] (each task's probability within each horizon, rising with it), `worth` [N, 1] (above ½: an alarm is worth it).
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from scoring.models.sequence.carried import KEPT, NEVER_H
from scoring.models.sequence.network import DAY_H, LONGEST_GAP_H, MEMORY_H, SOON_H, Network, Sight
from scoring.models.sequence.scaling import CLIP
from scoring.models.sequence.step import CODES, CONTEXT, VERSION
from scoring.models.sequence.targets import HORIZONS_H, TASKS
from scoring.models.sequence.whole import LAYERS, SCALING

OPSET: Final = 15
"""What the ONNX Runtime beside numpy 1 (Triton's environment) and every stock Triton image of the last years read."""


def export(network: Network, sight: Sight, path: Path) -> None:
    """Writes the model; the same weights give the same bytes."""
    graph = _Graph()
    hidden, carried = graph.split("state", [2 * network.shape.hidden, network.shape.state - 2 * network.shape.hidden])
    after, seen = _sight(graph, sight, carried)
    hidden_after, mixed = _cell(graph, network, hidden, seen)
    graph.add("Concat", [hidden_after, after], "next_state", axis=1)
    _risks(graph, graph.linear(network.hazards, mixed))
    graph.add("Sigmoid", [graph.linear(network.worth, mixed)], "worth")
    sizes = {"state": network.shape.state, "values": len(CODES), "context": len(CONTEXT)}
    answers = {"next_state": network.shape.state, "risks": len(TASKS) * len(HORIZONS_H), "worth": 1}
    made = helper.make_graph(graph.nodes, "sequence", _tensors(sizes), _tensors(answers), graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="vigil")
    helper.set_model_props(model, {"step": VERSION})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def save_weights(network: Network, sight: Sight, version: str, path: Path) -> None:
    """Writes the same weights as arrays, for `whole.Whole`; the same weights give the same bytes."""
    layers = {name: getattr(network, name) for name in LAYERS} | {"first": network.first.gates, "second": network.second.gates}
    arrays = {f"{name}_{part}": getattr(layer, part).detach().numpy() for name, layer in layers.items() for part in ("weight", "bias")}
    arrays |= {name: getattr(sight, name).numpy() for name in SCALING}
    with path.open("wb") as file:
        np.savez_compressed(file, version=np.array(version), step=np.array(VERSION), **arrays)


def _tensors(sizes: dict[str, int]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, size]) for name, size in sizes.items()]


class _Graph:
    """Nodes in the order they were added, constants by content of their own."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, value: npt.ArrayLike, kind: npt.DTypeLike = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def add(self, operation: str, inputs: list[str], name: str | None = None, **attributes: Any) -> str:
        name = name or f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [name], **attributes))
        return name

    def split(self, value: str, sizes: list[int]) -> list[str]:
        names = [f"value_{len(self.nodes)}_{part}" for part in range(len(sizes))]
        self.nodes.append(helper.make_node("Split", [value, self.constant(sizes, np.int64)], names, axis=1))
        return names

    def clip(self, value: str, low: float, high: float) -> str:
        return self.add("Clip", [value, self.constant(low), self.constant(high)])

    def times(self, value: str, factor: float) -> str:
        return self.add("Mul", [value, self.constant(factor)])

    def decay(self, hours: str, constant_h: float) -> str:
        return self.add("Exp", [self.times(hours, -1.0 / constant_h)])

    def log1p(self, value: str) -> str:
        return self.add("Log", [self.add("Add", [value, self.constant(1.0)])])

    def finite(self, value: str) -> str:
        """0 where the number is NaN or infinite."""
        odd = self.add("Or", [self.add("IsNaN", [value]), self.add("IsInf", [value])])
        return self.add("Where", [odd, self.constant(0.0), value])

    def number(self, truth: str) -> str:
        return self.add("Cast", [truth], to=TensorProto.FLOAT)

    def toward(self, held: str, weight: str, target: str) -> str:
        """held + weight · (target − held)."""
        return self.add("Add", [held, self.add("Mul", [weight, self.add("Sub", [target, held])])])

    def linear(self, layer: object, value: str) -> str:
        weight, bias = (getattr(layer, part).detach().numpy() for part in ("weight", "bias"))
        return self.add("Gemm", [value, self.constant(weight), self.constant(bias)], transB=1)


def _sight(graph: _Graph, sight: Sight, carried: str) -> tuple[str, str]:
    """`Sight.forward`, node by node."""
    count = len(CODES)
    elapsed, last, age, change, mean, often = graph.split(carried, [1] + [count] * KEPT)
    gap_h, *told = graph.split("context", [1] * len(CONTEXT))
    odd_gap = graph.add("Where", [graph.add("IsNaN", [gap_h]), graph.constant(0.0), gap_h])
    gap = graph.clip(odd_gap, 0.0, LONGEST_GAP_H)
    x, known = _scaled(graph, sight)
    aged = graph.add("Min", [graph.add("Add", [age, gap]), graph.constant(NEVER_H)])
    ever = graph.number(graph.add("Less", [aged, graph.constant(NEVER_H)]))
    elapsed = graph.add("Add", [elapsed, gap])
    change = graph.toward(change, known, graph.add("Mul", [ever, graph.add("Sub", [x, last])]))
    fresh = graph.add("Sub", [graph.constant(1.0), graph.decay(aged, MEMORY_H)])
    mean = graph.toward(mean, graph.add("Mul", [known, fresh]), x)
    often = graph.add("Add", [graph.add("Mul", [often, graph.decay(gap, MEMORY_H)]), known])
    last = graph.toward(last, known, x)
    age = graph.add("Mul", [aged, graph.add("Sub", [graph.constant(1.0), known])])
    after = graph.add("Concat", [elapsed, last, age, change, mean, often], axis=1)
    parts = [
        last,
        known,
        graph.decay(age, SOON_H),
        graph.decay(age, DAY_H),
        change,
        graph.add("Sub", [last, mean]),
        graph.times(often, 0.3),
    ]
    return after, graph.add("Concat", [*parts, *_plain(graph, gap, elapsed, told)], axis=1)


def _scaled(graph: _Graph, sight: Sight) -> tuple[str, str]:
    low, high, logged, centre, spread = (getattr(sight, name).numpy() for name in ("low", "high", "logged", "centre", "spread"))
    above = graph.add("GreaterOrEqual", ["values", graph.constant(low)])
    plausible = graph.add("And", [above, graph.add("LessOrEqual", ["values", graph.constant(high)])])
    safe = graph.add("Where", [plausible, "values", graph.constant(low)])
    logs = graph.log1p(graph.add("Max", [safe, graph.constant(0.0)]))
    shown = graph.add("Where", [graph.constant(logged > 0, np.bool_), logs, safe])
    scaled = graph.add("Div", [graph.add("Sub", [shown, graph.constant(centre)]), graph.constant(spread)])
    return graph.add("Where", [plausible, graph.clip(scaled, -CLIP, CLIP), graph.constant(0.0)]), graph.number(plausible)


def _plain(graph: _Graph, gap: str, elapsed: str, context: list[str]) -> list[str]:
    told = [graph.number(graph.add("Not", [graph.add("IsNaN", [one])])) for one in context]
    years, male, surgical, hospital, unit = (graph.finite(one) for one in context)
    age = graph.add("Sub", [graph.clip(years, 0.0, 120.0), graph.times(told[0], 60.0)])
    return [
        graph.log1p(gap),
        graph.times(graph.log1p(elapsed), 1 / 3),
        graph.times(graph.clip(elapsed, 0.0, LONGEST_GAP_H), 1 / 60),
        graph.decay(elapsed, 6.0),
        graph.times(age, 1 / 20),
        *(_sided(graph, one, known) for one, known in ((male, told[1]), (surgical, told[2]))),
        *(graph.times(graph.log1p(graph.clip(one, 0.0, NEVER_H)), 1 / 4) for one in (hospital, unit)),
        graph.times(graph.clip(unit, 0.0, LONGEST_GAP_H), 1 / 60),
        *told[3:],
    ]


def _sided(graph: _Graph, value: str, told: str) -> str:
    """0 or 1 as −½ or ½; 0 where not told."""
    return graph.add("Mul", [graph.add("Sub", [graph.clip(value, 0.0, 1.0), graph.constant(0.5)]), told])


def _cell(graph: _Graph, network: Network, hidden: str, seen: str) -> tuple[str, str]:
    """One step of `Network.forward` in evaluation, node by node."""
    width = network.shape.hidden
    below = graph.add("Relu", [graph.linear(network.embed, seen)])
    after = []
    layers = zip((network.first, network.second), graph.split(hidden, [width, width]), (network.between, network.mix), strict=True)
    for layer, held, onward in layers:
        keep, candidate = graph.split(graph.linear(layer.gates, below), [width, width])
        now = graph.toward(graph.add("Tanh", [candidate]), graph.add("Sigmoid", [keep]), held)
        after.append(now)
        below = graph.add("Relu", [graph.linear(onward, graph.add("Concat", [now, below], axis=1))])
    return graph.add("Concat", after, axis=1), below


def _risks(graph: _Graph, hazards: str) -> None:
    """1 − Π(1 − hazard) up to each horizon, in logarithms."""
    shape = graph.constant([0, len(TASKS), len(HORIZONS_H)], np.int64)
    each = graph.add("Reshape", [graph.add("Softplus", [hazards]), shape])
    total = graph.add("CumSum", [each, graph.constant(2, np.int64)])
    survived = graph.add("Exp", [graph.add("Neg", [total])])
    flat = graph.constant([0, len(TASKS) * len(HORIZONS_H)], np.int64)
    graph.add("Reshape", [graph.add("Sub", [graph.constant(1.0), survived]), flat], "risks")
