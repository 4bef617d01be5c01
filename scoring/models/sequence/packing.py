"""Patients of different lengths in one batch without padding: all first steps, then all second steps, the longest stays first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from scoring.models.sequence.encoding import Encoded
from scoring.models.sequence.network import Sight, nothing_yet
from scoring.models.sequence.targets import HORIZONS_H, TASKS, intervals

Places = npt.NDArray[np.intp]
Halves = npt.NDArray[np.float16]
Floats = npt.NDArray[np.float32]

TOGETHER = 1000
"""Patients whose sight is taken at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """All steps of all patients, one after the other: what is seen (R, …), whether each task's event came in each interval and may
    be judged (R, tasks·horizons), the gain of an alarm (R,), nan where none is labelled; and where each patient's steps begin."""

    seen: Halves
    came: npt.NDArray[np.bool_]
    judged: npt.NDArray[np.bool_]
    gain: Floats
    starts: Places
    lengths: Places


def material(patients: Sequence[Encoded], sight: Sight) -> Material:
    """Everything that training reads, once for all epochs."""
    lengths = np.array([len(one.hours) for one in patients], dtype=np.intp)
    starts = np.cumsum(lengths) - lengths
    size = len(TASKS) * len(HORIZONS_H)
    rows = int(lengths.sum())
    came, judged = np.zeros((rows, size), np.bool_), np.zeros((rows, size), np.bool_)
    for one, start in zip(patients, starts, strict=True):
        both = [intervals(one.hours, one.onsets.get(task), task) for task in TASKS]
        here = slice(start, start + len(one.hours))
        came[here], judged[here] = (np.concatenate(parts, axis=1) for parts in zip(*both, strict=True))
    return Material(
        seen=_seen(patients, sight, starts, lengths), came=came, judged=judged,
        gain=np.concatenate([one.gain for one in patients]), starts=starts, lengths=lengths,
    )  # fmt: skip


def _seen(patients: Sequence[Encoded], sight: Sight, starts: Places, lengths: Places) -> Halves:
    """Walks many patients abreast through the very update that runs at the bedside."""
    seen: Halves | None = None
    values, context = (np.concatenate([getattr(one, name) for one in patients]) for name in ("values", "context"))
    for group in np.array_split(np.argsort(-lengths, kind="stable"), max(1, len(patients) // TOGETHER)):
        rows, sizes = pack(group, starts, lengths)
        carried, place = nothing_yet(sizes[0] if sizes else 0), 0
        for size in sizes:
            here = rows[place : place + size]
            with torch.no_grad():
                carried, shown = sight(carried[:size], torch.from_numpy(values[here]), torch.from_numpy(context[here]))
            if seen is None:
                seen = np.zeros((len(values), shown.shape[1]), np.float16)
            seen[here] = shown.numpy().astype(np.float16)
            place += size
    if seen is None:
        raise ValueError("no patient has a step")
    return seen


def pack(patients: Places, starts: Places, lengths: Places) -> tuple[Places, tuple[int, ...]]:
    """Rows of these patients in packed order, and how many patients have a first, second, … step.

    >>> pack(np.array([0, 1]), np.array([0, 2]), np.array([2, 3]))
    (array([2, 0, 3, 1, 4]), (2, 2, 1))
    """
    order = patients[np.argsort(-lengths[patients], kind="stable")]
    order = order[lengths[order] > 0]
    if not len(order):
        return np.empty(0, np.intp), ()
    longest = lengths[order]
    sizes = tuple(int(size) for size in (longest[None, :] > np.arange(longest[0])[:, None]).sum(axis=1))
    return np.concatenate([starts[order[:size]] + step for step, size in enumerate(sizes)]), sizes


def following(sizes: tuple[int, ...]) -> Places:
    """For each packed row from the second step on, the packed row of the same patient one step before.

    >>> following((2, 2, 1))
    array([0, 1, 2])
    """
    starts = np.cumsum((0, *sizes))
    return np.concatenate([np.arange(starts[step], starts[step] + size) for step, size in enumerate(sizes[1:])] or [np.empty(0, np.intp)])
