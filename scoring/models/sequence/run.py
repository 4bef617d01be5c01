"""One training run of the sequence model: everything it was, learned and earned, in one folder, resumable at the last whole epoch."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from scoring.models.sequence import judging, scaling
from scoring.models.sequence.card import card
from scoring.models.sequence.carried import Cell, advance_hidden, nothing_carried
from scoring.models.sequence.encoding import Encoded
from scoring.models.sequence.export import export, save_weights
from scoring.models.sequence.network import Network, Shape, Sight
from scoring.models.sequence.packing import Material, Places, material
from scoring.models.sequence.session import Session
from scoring.models.sequence.step import NAMES, VERSION, Step
from scoring.models.sequence.stepping import probabilities
from scoring.models.sequence.targets import HORIZONS_H, TASKS
from scoring.models.sequence.training import Plan, answers, train
from scoring.models.sequence.whole import Whole
from scoring.models.walk import fold

NAME: Final = "deterioration_sequence"
"""Under it the network is served and its scores are kept."""
PARITY: Final = 1e-5
PARITY_PATIENTS: Final = 50
ANY_DAY: Final = datetime(2019, 1, 1, tzinfo=UTC)
THREADS: Final = 1
"""A second thread waits more than it works at these sizes, and sums in another order."""


class NotTheSame(RuntimeError):
    """The folder holds a run of other data or another plan, or the exported step differs from the network."""


def train_sequence(
    patients: Sequence[Encoded],
    out: Path,
    *,
    seed: int,
    data_sha256: Mapping[str, str],
    say: Callable[[str], None],
    shape: Shape | None = None,
    plan: Plan | None = None,
) -> dict[str, Any]:
    """Trains, exports, proves parity and judges on the hold-out; writes `config.json`, `curve.json`, `metrics.json`, `metadata.json`,
    `card.md`, `model.onnx`, `weights.npz` and `checkpoint.pt` into `out`, and returns the metrics.

    `patients`: of every data set. Who learns, who is watched and who judges is told by `scoring.models.walk.fold` of the group.
    Called again on the same folder it goes on from the last whole epoch. Raises NotTheSame.
    """
    torch.set_num_threads(THREADS)
    shape, plan = shape or Shape(), plan or Plan(seed=seed)
    out.mkdir(parents=True, exist_ok=True)
    _same_run(out / "config.json", {"shape": asdict(shape), "plan": asdict(plan), "data_sha256": dict(data_sha256), "step": VERSION})
    groups = {name: _places(patients, name) for name in ("train", "valid", "holdout")}
    say("scaling and taking the steps")
    sight = Sight(scaling.fit([patients[place].values for place in groups["train"]]))
    held = material(patients, sight)
    network, curve = train(held, groups["train"], groups["valid"], shape, plan, out / "checkpoint.pt", say)
    export(network, sight, out / "model.onnx")
    cell = Session(out / "model.onnx")
    save_weights(network, sight, cell.version, out / "weights.npz")
    judges = [patients[place] for place in groups["holdout"][:PARITY_PATIENTS]]
    parity = {
        "parity_onnx": _parity(network, sight, cell, judges),
        "parity_weights": _parity(network, sight, Whole(out / "weights.npz"), judges),
    }
    for name, apart in parity.items():
        if apart > PARITY:
            raise NotTheSame(f"{name}: what was exported differs from the network by {apart:.2e}")
    say("judging on the hold-out")
    metrics, threshold = _judged(network, held, patients, groups, seed)
    metrics |= parity | {"epochs": len(curve)}
    _write(out / "curve.json", curve)
    learned = [task for task in TASKS if any(task in patients[place].onsets for place in groups["train"])]
    _write(out / "metadata.json", _metadata(cell, sight, threshold, seed, data_sha256) | {"learned": learned})
    _write(out / "metrics.json", metrics)
    (out / "card.md").write_text(card(json.loads((out / "metadata.json").read_text()), metrics))
    return metrics


def _same_run(path: Path, config: dict[str, Any]) -> None:
    """A folder is resumed only by the run that began it."""
    if path.exists() and json.loads(path.read_text()) != json.loads(json.dumps(config)):
        raise NotTheSame(f"{path.parent.name} holds a run of other data, another plan or another shape")
    _write(path, config)


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


def _places(patients: Sequence[Encoded], name: str) -> Places:
    return np.array([place for place, one in enumerate(patients) if fold(one.group) == name], dtype=np.intp)


def _metadata(cell: Session, sight: Sight, threshold: float, seed: int, data_sha256: Mapping[str, str]) -> dict[str, Any]:
    constants = {name: [round(float(one), 6) for one in getattr(sight, name)] for name in ("logged", "centre", "spread", "low", "high")}
    return {
        "name": NAME, "version": cell.version, "step": VERSION, "hidden": cell.hidden, "values": list(NAMES), "tasks": list(TASKS),
        "horizons_h": list(HORIZONS_H), "worth_it": judging.WORTH_IT, "sepsis_6h_threshold": round(threshold, 6), "scaling": constants, "seed": seed,
        "data_sha256": dict(data_sha256),
    }  # fmt: skip


def _judged(
    network: Network, held: Material, patients: Sequence[Encoded], groups: Mapping[str, Places], seed: int
) -> tuple[dict[str, Any], float]:
    hazards, worth = answers(network, held, np.concatenate([groups["valid"], groups["holdout"]]))
    within_6h, alarm = judging.sepsis_within_6h(hazards), judging.worth_of(worth)
    valid = judging.judged(patients, held, groups["valid"], within_6h)
    threshold = judging.best_threshold(valid) if valid else 0.5
    by_worth, by_risk = (judging.judged(patients, held, groups["holdout"], scores) for scores in (alarm, within_6h))
    metrics: dict[str, Any] = {"patients": {name: len(places) for name, places in groups.items()}}
    if by_worth:
        metrics["sepsis"] = judging.sepsis_figures(by_worth, by_risk, threshold, seed)
    metrics["hazards"] = judging.hazard_figures(held, groups["holdout"], hazards)
    return metrics, threshold


def _parity(network: Network, sight: Sight, cell: Cell, patients: Sequence[Encoded]) -> float:
    """The largest difference between the network over whole stays and the exported step, carried from each step to the next."""
    worst = 0.0
    for one in patients:
        risks, worth = probabilities(network, sight, one)
        carried = nothing_carried(cell)
        for row, (hour, values, context) in enumerate(zip(one.hours, one.values, one.context, strict=True)):
            carried, answer = advance_hidden(cell, carried, ANY_DAY + timedelta(hours=float(hour)), Step(values, context))
            worst = max(worst, float(np.abs(answer.risks.ravel() - risks[row]).max()), abs(answer.worth - float(worth[row])))
    return worst
