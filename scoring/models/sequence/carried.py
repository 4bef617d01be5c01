"""What one patient carries from step to step, and how a step moves it: a pure value, kept in the database, rebuilt from the facts where it is not there."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

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

ANEW: Final = timedelta(hours=240)
"""A silence after which nothing is carried on: the network cannot tell longer ones apart (`network.LONGEST_GAP_H`), and it is another stay."""

INSTANT: Final = timedelta(microseconds=1)


class OtherModel(Exception):
    """What is carried was made by another model: rebuild it for this one."""


class OddAnswer(Exception):
    """The model's answer is no risk: not a number, or outside 0 and 1. Nothing is carried on from it."""


class Cell(Protocol):
    """Whatever runs one step of the model: Triton at the bedside, an ONNX session or the weights themselves elsewhere.

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

    The model learned from hourly steps, so what comes within an hour is one step to it: the step stays open, and each message takes it again from
    the same beginning. `before` (S,), `before_at`: the state and time when the open step began to gather; `opened_at`, `at`: of its first and its
    last message; `step`: what it holds by then; `numbers` (S,): the state after it. Times and step are None before the first.
    """

    version: str
    before: Floats = field(repr=False)
    before_at: datetime | None = None
    opened_at: datetime | None = None
    at: datetime | None = None
    step: Step | None = field(default=None, repr=False)
    numbers: Floats = field(repr=False)

    @property
    def since(self) -> datetime | None:
        """What was received after it belongs to the open step."""
        return self.before_at if self.before_at is not None or self.opened_at is None else self.opened_at - INSTANT


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
    return Carried(version=cell.version, before=empty, numbers=empty)


def blank(rows: int, hidden: int) -> Floats:
    """What is carried before the first step of so many patients: (rows, S)."""
    numbers = np.zeros((rows, hidden + 1 + KEPT * len(CODES)), np.float32)
    numbers[:, hidden + 1 + len(CODES) : hidden + 1 + 2 * len(CODES)] = NEVER_H
    return numbers


def follows(opened_at: datetime | None, last_at: datetime | None, at: datetime) -> Literal["same", "next", "anew"]:
    """Whether a message belongs to the open step, begins the next one, or begins anew. Pure, and all that tells where a step ends.

    >>> noon = datetime(2026, 3, 1, 12)
    >>> [follows(noon, noon, noon + timedelta(hours=hours)) for hours in (0.5, 1, 241)]
    ['same', 'next', 'anew']
    """
    if opened_at is None or last_at is None or at - last_at > ANEW:
        return "anew"
    return "same" if at - opened_at < SPAN else "next"


def opened(carried: Carried, at: datetime) -> Carried:
    """With a step open for a message of `at`; `numbers` is still what it was."""
    match follows(carried.opened_at, carried.at, at):
        case "same":
            return carried
        case "next":
            return replace(carried, before=carried.numbers, before_at=carried.at, opened_at=at)
        case "anew":
            empty = blank(1, len(carried.numbers) - 1 - KEPT * len(CODES))[0]
            return replace(carried, before=empty, before_at=None, opened_at=at, at=at, step=None, numbers=empty)


def advance_hidden(cell: Cell, carried: Carried, at: datetime, step: Step) -> tuple[Carried, Answer]:
    """What is carried after one message, and what the model says then; costs the same after ten hours and after ten days.

    `step`: all that the open step holds with the message (`step_of` since `opened(carried, at).since`). Raises OtherModel, OddAnswer, and whatever
    the cell raises where the model is away.
    """
    [found] = advance_all(cell, [(carried, at, step)])
    return found


def advance_all(cell: Cell, moves: Sequence[tuple[Carried, datetime, Step]]) -> list[tuple[Carried, Answer]]:
    """`advance_hidden` for messages of several patients, or of one patient's open step, in one call of the model."""
    if not moves:
        return []
    if any(carried.version != cell.version for carried, _, _ in moves):
        raise OtherModel
    begun = [opened(carried, at) for carried, at, _ in moves]
    held = [with_gap(step, one.before_at, at) for one, (_, at, step) in zip(begun, moves, strict=True)]
    state, risks, worth = cell.step(
        np.stack([one.before for one in begun]), np.stack([step.values for step in held]), np.stack([step.context for step in held])
    )
    if not (np.isfinite(state).all() and _probabilities(risks) and _probabilities(worth)):
        raise OddAnswer
    return [
        (
            replace(one, numbers=state[row].copy(), at=max(at, one.at or at), step=step),
            Answer(risks=risks[row].reshape(len(TASKS), len(HORIZONS_H)), worth=float(worth[row, 0])),
        )
        for row, (one, (_, at, _), step) in enumerate(zip(begun, moves, held, strict=True))
    ]


def with_gap(step: Step, before_at: datetime | None, at: datetime) -> Step:
    """The step with the gap since the one before the open one."""
    context = step.context.copy()
    context[0] = 0.0 if before_at is None else (at - before_at).total_seconds() / 3600.0
    return Step(step.values, context)


def _probabilities(numbers: Floats) -> bool:
    return bool(((numbers >= 0) & (numbers <= 1)).all())
