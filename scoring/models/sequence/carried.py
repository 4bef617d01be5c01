"""What one patient carries from step to step, and how a step moves it: a pure value, kept with the rolling state, rebuilt by replaying the steps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
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


SPAN: Final = timedelta(hours=1)
"""How long a step gathers: the grid of every training set. Measured without it: three messages an hour cost 0.03 of AUROC (infra/docs/sequence.md)."""


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
    """What model `version` carries of one patient.

    The model learned from hourly steps, so what comes within an hour is one step to it: the step stays open, and each message adds to it and
    takes it again from the same beginning. `before` (S,), `before_at`: the state and time when the open step began to gather; `values` (C,): what
    it holds so far; `opened_at`, `at`: of its first and its last message; `numbers` (S,): the state after it. Times are None before the first.
    """

    version: str
    before: Floats = field(repr=False)
    before_at: datetime | None = None
    values: Floats = field(repr=False)
    opened_at: datetime | None = None
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
    empty = blank(1, cell.hidden)[0]
    return Carried(version=cell.version, before=empty, values=np.full(len(CODES), np.nan, np.float32), numbers=empty)


def blank(rows: int, hidden: int) -> Floats:
    """What is carried before the first step of so many patients: (rows, S)."""
    numbers = np.zeros((rows, hidden + 1 + KEPT * len(CODES)), np.float32)
    numbers[:, hidden + 1 + len(CODES) : hidden + 1 + 2 * len(CODES)] = NEVER_H
    return numbers


def advance_hidden(cell: Cell, carried: Carried, at: datetime, step: Step) -> tuple[Carried, Answer]:
    """What is carried after one message, and what the model says then; costs the same after ten hours and after ten days.

    Raises OtherModel, OddAnswer, and whatever the cell raises where the model is away.
    """
    [found] = advance_all(cell, [(carried, at, step)])
    return found


def advance_all(cell: Cell, moves: Sequence[tuple[Carried, datetime, Step]]) -> list[tuple[Carried, Answer]]:
    """`advance_hidden` for one message of each of several patients, in one call of the model."""
    if not moves:
        return []
    if any(carried.version != cell.version for carried, _, _ in moves):
        raise OtherModel
    opened = [gathered(carried, at, step.values) for carried, at, step in moves]
    state, risks, worth = cell.step(
        np.stack([one.before for one in opened]),
        np.stack([one.values for one in opened]),
        np.stack([_context(one, at, step) for one, (_, at, step) in zip(opened, moves, strict=True)]),
    )
    if not (np.isfinite(state).all() and _probabilities(risks) and _probabilities(worth)):
        raise OddAnswer
    return [
        (
            replace(one, numbers=state[row].copy()),
            Answer(risks=risks[row].reshape(len(TASKS), len(HORIZONS_H)), worth=float(worth[row, 0])),
        )
        for row, one in enumerate(opened)
    ]


def gathered(carried: Carried, at: datetime, values: Floats) -> Carried:
    """The open step with these values added, or a new one where the open one is an hour old; `numbers` is still what it was."""
    if carried.opened_at is None or at - carried.opened_at >= SPAN:
        return replace(carried, before=carried.numbers, before_at=carried.at, values=values, opened_at=at, at=at)
    return replace(carried, values=np.where(np.isnan(values), carried.values, values), at=at)


def _context(opened: Carried, at: datetime, step: Step) -> Floats:
    """The message's context, with the gap since the step before the open one."""
    context = step.context.copy()
    context[0] = 0.0 if opened.before_at is None else (at - opened.before_at).total_seconds() / 3600.0
    return context


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
    before_at: datetime | None
    opened_at: datetime | None
    at: datetime | None
    hidden: int
    numbers: bytes


def to_bytes(carried: Carried) -> bytes:
    """As it is kept in a database."""
    numbers = np.concatenate([carried.values, carried.before, carried.numbers]).astype("<f4").tobytes()
    hidden = len(carried.numbers) - 1 - KEPT * len(CODES)
    return msgspec.msgpack.encode(_Packed(carried.version, carried.before_at, carried.opened_at, carried.at, hidden, numbers))


def from_bytes(packed: bytes) -> Carried:
    """Raises msgspec.DecodeError where these bytes are no carried state."""
    held = msgspec.msgpack.decode(packed, type=_Packed)
    size = held.hidden + 1 + KEPT * len(CODES)
    if len(held.numbers) != 4 * (len(CODES) + 2 * size):
        raise msgspec.ValidationError("the numbers carried are not of this model's size")
    values, before, numbers = np.split(np.frombuffer(held.numbers, "<f4").astype(np.float32), [len(CODES), len(CODES) + size])
    return Carried(
        version=held.version, before=before, before_at=held.before_at, values=values, opened_at=held.opened_at, at=held.at, numbers=numbers
    )
