"""Reads and writes what the sequence model carries of each patient: a few hundred bytes with every message, two kilobytes once an hour."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from psycopg import Cursor

from infra.database.sql import statements
from scoring.models.sequence.carried import Carried
from scoring.models.sequence.step import CODES, CONTEXT, Step

SQL = statements("scoring", "carried_store.sql")

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of one patient, but for the state that the open step began with. `disturbed`: how often others' messages had changed the patient."""

    disturbed: int
    before_at: datetime | None
    opened_at: datetime
    at: datetime
    step: bytes

    def is_of(self, carried: Carried) -> bool:
        """Whether this is what was written of that."""
        times = (self.before_at, self.opened_at, self.at)
        return (
            times == (carried.before_at, carried.opened_at, carried.at) and carried.step is not None and self.step == packed(carried.step)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`recorded`: whether the patient was spoken of before. `disturbed`: the count of today. `kept`: None where nothing is."""

    recorded: bool
    disturbed: int
    kept: Kept | None


def standings(cursor: Cursor, version: str, ids: Sequence[str]) -> dict[str, Standing]:
    """Of each of these patients."""
    rows = cursor.execute(SQL["standing"].encode(), {"ids": list(ids), "version": version}, binary=True)
    return {
        row[0]: Standing(
            recorded=row[1],
            disturbed=row[2],
            kept=None if row[5] is None else Kept(disturbed=row[3], before_at=row[4], opened_at=row[5], at=row[6], step=bytes(row[7])),
        )
        for row in rows
    }


def befores(cursor: Cursor, version: str, ids: Sequence[str]) -> dict[str, Floats]:
    """The states that these patients' open steps began with."""
    rows = cursor.execute(SQL["before"].encode(), {"ids": list(ids), "version": version}, binary=True)
    return {row[0]: np.frombuffer(bytes(row[1]), "<f4").astype(np.float32) for row in rows if len(row[1]) % 4 == 0}


def measured(cursor: Cursor, ids: Sequence[str]) -> set[str]:
    """Of these patients those of whom there may be steps to make again."""
    return {row[0] for row in cursor.execute(SQL["measured"].encode(), {"ids": list(ids)})} if ids else set()


def put(cursor: Cursor, version: str, begun: Mapping[str, tuple[Carried, int]], going_on: Mapping[str, Carried]) -> None:
    """Writes steps that were opened, with the patients' `disturbed` counts, and what was added to open ones."""
    if begun:
        whole = [carried for carried, _ in begun.values()]
        columns = _columns(begun, whole) | {
            "disturbed": [count for _, count in begun.values()], "befores_at": [one.before_at for one in whole],
            "opened_at": [one.opened_at for one in whole], "befores": [one.before.astype("<f4").tobytes() for one in whole],
        }  # fmt: skip
        cursor.execute(SQL["open"].encode(), columns | {"version": version})
    if going_on:
        cursor.execute(SQL["go_on"].encode(), _columns(going_on, list(going_on.values())) | {"version": version})


def _columns(ids: Iterable[str], carried: Sequence[Carried]) -> dict[str, object]:
    return {"ids": list(ids), "at": [one.at for one in carried], "steps": [packed(one.step) for one in carried if one.step is not None]}


def drop(cursor: Cursor, ids: Collection[str]) -> None:
    """Forgets what is kept of these patients."""
    if ids:
        cursor.execute(SQL["drop"].encode(), {"ids": sorted(ids)})


def packed(step: Step) -> bytes:
    """A step as it is kept: values, then context."""
    return np.concatenate([step.values, step.context]).astype("<f4").tobytes()


def unpacked(kept: bytes) -> Step | None:
    """The very step that was packed; None where these bytes are another list's."""
    if len(kept) != 4 * (len(CODES) + len(CONTEXT)):
        return None
    numbers = np.frombuffer(kept, "<f4").astype(np.float32)
    return Step(numbers[: len(CODES)], numbers[len(CODES) :])
