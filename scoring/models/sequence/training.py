"""Trains the network: first to foretell the next step of anybody, then with every label there is; seeded, and resumed after the last whole epoch."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from scoring.models.sequence.losses import ahead_loss, hazard_loss, worth_loss
from scoring.models.sequence.network import Network, Shape
from scoring.models.sequence.packing import Floats, Material, Places, pack
from scoring.models.sequence.targets import HORIZONS_H, TASKS

SMOOTHING: Final = 0.995
"""Of the running mean of the weights, which is the model: about the last 200 steps. Source: Polyak and Juditsky, SIAM J Control Optim 1992;30:838."""

JUDGED_TOGETHER: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train; the same plan and seed on the same machine give the same weights."""

    seed: int
    pretrain_epochs: int = 1
    epochs: int = 6
    patience: int = 3
    patients_a_step: int = 128
    rate: float = 2e-3
    weight_decay: float = 5e-2
    ahead_weight: float = 0.5


@dataclass(slots=True, kw_only=True)
class Course:
    """A training under way: everything a checkpoint holds. `best`: the smoothed network where the watched patients' loss was lowest."""

    network: Network
    smoothed: Network
    best: Network
    optimiser: torch.optim.AdamW
    random: np.random.Generator
    steps: int = 0
    epoch: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)


def train(
    held: Material, fit: Places, watch: Places, shape: Shape, plan: Plan, checkpoint: Path, say: Callable[[str], None]
) -> tuple[Network, list[dict[str, float]]]:
    """The network and its curve. `fit`: patients learned from; `watch`: patients on whom it stops. Goes on from the checkpoint where there is one."""
    course = _resumed(shape, plan, checkpoint) if checkpoint.exists() else _begun(shape, plan)
    cost = float(np.nanmean(np.abs(held.gain[_rows(held, fit)])))
    total = plan.pretrain_epochs + plan.epochs
    while course.epoch < total and not _no_better(course.curve, plan.patience):
        pretraining = course.epoch < plan.pretrain_epochs
        torch.manual_seed(plan.seed * 1000 + course.epoch)
        learned = _epoch(course, held, fit, plan, cost, pretraining)
        course.epoch += 1
        row = {
            "epoch": course.epoch,
            "pretraining": float(pretraining),
            "learned": learned,
            "watched": _watched(course, held, watch, plan, cost, pretraining),
        }
        if not pretraining and row["watched"] <= min((one["watched"] for one in course.curve if not one["pretraining"]), default=np.inf):
            course.best = copy.deepcopy(course.smoothed)
        course.curve.append(row)
        _keep(course, checkpoint)
        say(
            f"epoch {course.epoch} of {total}: {'pretraining ' if pretraining else ''}loss {learned:.4f}, on watched patients {row['watched']:.4f}"
        )
    return course.best.eval(), course.curve


def answers(network: Network, held: Material, patients: Places) -> tuple[Floats, Floats]:
    """Log odds at every step of these patients, in the order of the material's rows (elsewhere nan): hazards (R, tasks·horizons), worth (R,)."""
    hazards = np.full((len(held.gain), len(TASKS) * len(HORIZONS_H)), np.nan, np.float32)
    worth = np.full(len(held.gain), np.nan, np.float32)
    network.eval()
    with torch.no_grad():
        for group in _groups(patients, JUDGED_TOGETHER):
            rows, sizes = pack(group, held.starts, held.lengths)
            hazard, gain, _ = network(_seen(held, rows), sizes)
            hazards[rows], worth[rows] = hazard.numpy(), gain.numpy()
    return hazards, worth


def _begun(shape: Shape, plan: Plan) -> Course:
    torch.manual_seed(plan.seed)
    network = Network(shape)
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=plan.weight_decay)
    return Course(
        network=network, smoothed=copy.deepcopy(network), best=copy.deepcopy(network), optimiser=optimiser,
        random=np.random.default_rng(plan.seed),
    )  # fmt: skip


def _epoch(course: Course, held: Material, fit: Places, plan: Plan, cost: float, pretraining: bool) -> float:
    course.network.train()
    groups = _groups(course.random.permutation(fit), plan.patients_a_step)
    losses = []
    for number, group in enumerate(groups):
        for parameters in course.optimiser.param_groups:
            parameters["lr"] = plan.rate * _rate(course.epoch + number / len(groups), plan)
        loss = _loss(course.network, held, group, plan, cost, pretraining)
        course.optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(course.network.parameters(), 1.0)
        course.optimiser.step()
        course.steps += 1
        _smooth(course)
        losses.append(loss.item())
    return float(np.mean(losses))


def _rate(epochs: float, plan: Plan) -> float:
    """Up within the first epoch, then down along a cosine to a hundredth; pretraining and training each have their own."""
    done, total = (epochs, plan.pretrain_epochs) if epochs < plan.pretrain_epochs else (epochs - plan.pretrain_epochs, plan.epochs)
    return float(min(1.0, 0.05 + done) * (0.01 + 0.99 * 0.5 * (1.0 + np.cos(np.pi * min(1.0, done / total)))))


def _loss(network: Network, held: Material, group: Places, plan: Plan, cost: float, pretraining: bool) -> Tensor:
    rows, sizes = pack(group, held.starts, held.lengths)
    seen = _seen(held, rows)
    hazards, worth, ahead = network(seen, sizes)
    foretold = ahead_loss(ahead, seen, sizes)
    if pretraining:
        return foretold
    came, judged = (torch.from_numpy(part[rows]).float() for part in (held.came, held.judged))
    return hazard_loss(hazards, came, judged) + worth_loss(worth, torch.from_numpy(held.gain[rows]), cost) + plan.ahead_weight * foretold


def _watched(course: Course, held: Material, watch: Places, plan: Plan, cost: float, pretraining: bool) -> float:
    course.smoothed.eval()
    with torch.no_grad():
        groups = _groups(watch, JUDGED_TOGETHER)
        return float(np.mean([_loss(course.smoothed, held, group, plan, cost, pretraining).item() for group in groups]))


def _no_better(curve: list[dict[str, float]], patience: int) -> bool:
    watched = [one["watched"] for one in curve if not one["pretraining"]]
    return len(watched) > patience and min(watched[-patience:]) > min(watched[:-patience])


def _smooth(course: Course) -> None:
    kept = min(SMOOTHING, course.steps / (course.steps + 10.0))
    with torch.no_grad():
        for mean, now in zip(course.smoothed.parameters(), course.network.parameters(), strict=True):
            mean.lerp_(now, 1.0 - kept)


def _groups(patients: Places, size: int) -> list[Places]:
    return list(np.array_split(patients, max(1, len(patients) // size)))


def _rows(held: Material, patients: Places) -> Places:
    return pack(patients, held.starts, held.lengths)[0]


def _seen(held: Material, rows: Places) -> Tensor:
    return torch.from_numpy(held.seen[rows]).float()


def _keep(course: Course, checkpoint: Path) -> None:
    """Written beside and moved, so that a kill leaves the last whole epoch."""
    beside = checkpoint.with_suffix(".part")
    parts: dict[str, Any] = {name: getattr(course, name).state_dict() for name in ("network", "smoothed", "best", "optimiser")}
    plain = {"random": course.random.bit_generator.state, "steps": course.steps, "epoch": course.epoch, "curve": course.curve}
    torch.save(parts | {"plain": json.dumps(plain)}, beside)
    beside.replace(checkpoint)


def _resumed(shape: Shape, plan: Plan, checkpoint: Path) -> Course:
    course = _begun(shape, plan)
    kept = torch.load(checkpoint, weights_only=True)
    for name in ("network", "smoothed", "best", "optimiser"):
        getattr(course, name).load_state_dict(kept[name])
    plain = json.loads(kept["plain"])
    course.random.bit_generator.state = plain["random"]
    course.steps, course.epoch, course.curve = plain["steps"], plain["epoch"], plain["curve"]
    return course
