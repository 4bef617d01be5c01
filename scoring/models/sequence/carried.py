"""What one patient carries from step to step, and how a step moves it: a pure value, kept with the rolling state, rebuilt by replaying the steps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from scoring.models.sequence.step import CODES, Step
from scoring.models.sequence.targets import HORIZONS_H, TASKS

Floats = npt.NDArray[np.float32]

NEVER_H: Final = 10_000.0
"""Age of a value that was never seen: above a year of hours, so that no stay reaches it, and its decays are 0."""

KEPT: Final = 5
"""Numbers carried for each quantity, after the network's own: last value, its age, its last change, its running mean, its running count."""


class OtherModel(Exception):
    """What is carried was made by another model: replay the patient's steps through this one."""


class OddAnswer(Exception):
    """The model's answer is no risk: not a number, or outside 0 and 1. Nothing is carried on from it."""


class Cell(Protocol):
    """Whatever runs one step of the model: Triton at the bedside, an ONNX session elsewhere.

    `version` names the weights; `hidden` is how many numbers the network itself carries.
    """

    version: str
    hidden: int

    def step(self, state: Floats, values: Floats, context: Floats) -> tuple[Floats, Floats, Floats]:
        """(N, S), (N, C), (N, 6) → state after (N, S), risks (N, tasks·horizons), worth (N, 1)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Carried:
    """`numbers`: (S,) float32 of the model `version`; `at`: when the last step was, None before the first."""

    version: str
    at: datetime | None = None
    numbers: Floats = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """`risks`: (tasks, horizons), the probability within each horizon; `worth`: above ½ an alarm is worth its cost (the challenge's utility)."""

    risks: Floats
    worth: float

    def risk(self, task: str, horizon_h: float) -> float:
        """The probability of one task's event within one horizon. Raises ValueError for others than TASKS and HORIZONS_H."""
        return float(self.risks[TASKS.index(task), HORIZONS_H.index(horizon_h)])


def nothing_carried(cell: Cell) -> Carried:
    """Before the first step."""
    return Carried(version=cell.version, numbers=blank(1, cell.hidden)[0])


def blank(rows: int, hidden: int) -> Floats:
    """What is carried before the first step of so many patients: (rows, S)."""
    numbers = np.zeros((rows, hidden + 1 + KEPT * len(CODES)), np.float32)
    numbers[:, hidden + 1 + len(CODES) : hidden + 1 + 2 * len(CODES)] = NEVER_H
    return numbers


def advance_hidden(cell: Cell, carried: Carried, at: datetime, step: Step) -> tuple[Carried, Answer]:
    """What is carried after one step, and what the model says then; costs the same after ten hours and after ten days.

    Raises OtherModel, OddAnswer, and whatever the cell raises where the model is away.
    """
    [found] = advance_all(cell, [(carried, at, step)])
    return found


def advance_all(cell: Cell, moves: Sequence[tuple[Carried, datetime | None, Step]]) -> list[tuple[Carried, Answer]]:
    """`advance_hidden` for one step of each of several patients, in one call of the model."""
    if not moves:
        return []
    if any(carried.version != cell.version for carried, _, _ in moves):
        raise OtherModel
    state, risks, worth = cell.step(
        np.stack([carried.numbers for carried, _, _ in moves]),
        np.stack([step.values for _, _, step in moves]),
        np.stack([step.context for _, _, step in moves]),
    )
    if not (np.isfinite(state).all() and _probabilities(risks) and _probabilities(worth)):
        raise OddAnswer
    return [
        (
            Carried(version=cell.version, at=at, numbers=state[row].copy()),
            Answer(risks=risks[row].reshape(len(TASKS), len(HORIZONS_H)), worth=float(worth[row, 0])),
        )
        for row, (_, at, _) in enumerate(moves)
    ]


def _probabilities(numbers: Floats) -> bool:
    return bool(((numbers >= 0) & (numbers <= 1)).all())


def replay(cell: Cell, steps: Iterable[tuple[datetime, Step]]) -> Carried:
    """What is carried after these steps, from nothing."""
    carried = nothing_carried(cell)
    for at, step in steps:
        carried, _ = advance_hidden(cell, carried, at, step)
    return carried


class _Packed(msgspec.Struct, frozen=True):
    version: str
    at: datetime | None
    numbers: bytes


def to_bytes(carried: Carried) -> bytes:
    """As it is kept in a database."""
    return msgspec.msgpack.encode(_Packed(carried.version, carried.at, carried.numbers.astype("<f4").tobytes()))


def from_bytes(packed: bytes) -> Carried:
    """Raises msgspec.DecodeError where these bytes are no carried state."""
    held = msgspec.msgpack.decode(packed, type=_Packed)
    if len(held.numbers) % 4:
        raise msgspec.ValidationError("the numbers carried are cut short")
    return Carried(version=held.version, at=held.at, numbers=np.frombuffer(held.numbers, "<f4").astype(np.float32))
