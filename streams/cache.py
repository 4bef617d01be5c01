"""The rolling states that a worker holds in memory, and how it comes by those it does not hold: kept ones, else from the stored facts."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import uuid4

from psycopg import Cursor

from infra.database.sql import statements
from parsers.events import Observation
from streams import identity, recall, snapshots
from streams.patient import PatientState
from streams.processing import Batch, Taken, keys

SQL = statements("streams", "snapshots.sql")
STORE = statements("streams", "store.sql")

HELD_READINGS: Final = 4_000_000
"""Readings held in memory, of all patients: some 300 bytes each, so about 1.2 GB at most. 2,000 patients with a set of vital signs every half an hour hold
two million. The least recently seen go first, whoever has left goes at once, and either is recalled when needed."""

KEPT_AT_ONCE: Final = 25
"""States kept in the database a transaction: after a cold start many are due together, and nobody's score may wait for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A state as of the last commit. `disturbed`: the count that it is good for; `unkept`: readings since it was last kept in the database."""

    state: PatientState
    disturbed: int
    unkept: int

    @property
    def size(self) -> int:
        """Readings in it."""
        return sum(len(held) for held in self.state.readings.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What one transaction works on. `current`: recorded ids to today's; `strangers`: patients of whom messages came under another's number."""

    fresh: Sequence[Taken]
    current: dict[str, str]
    states: dict[str, PatientState]
    strangers: AbstractSet[str]


class States:
    """One worker's. Between `begin` and `remember` lies one transaction; what is remembered is what was committed.

    A patient's traffic meets in one partition number, and a partition has one owner: whoever writes makes itself the owner, within the
    transaction. A worker that was frozen and has lost its partition without knowing may still write, in order; the other then finds itself no
    longer the owner, and forgets what it held. So no two act on states that do not know of each other's facts.
    """

    def __init__(self) -> None:
        self._owner = uuid4().hex
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._counts: dict[str, int] = {}
        self._merged: AbstractSet[str] = frozenset()
        self.kin: Mapping[str, Sequence[str]] = {}
        self._next: dict[str, Held] = {}
        self._readings = 0
        self._strangers: set[str] = set()

    def forget(self) -> None:
        """After a rebalance or a failure the database is asked anew."""
        self._held.clear()
        self._readings = 0

    def own(self, cursor: Cursor, partitions: Iterable[int]) -> None:
        """Makes this worker the owner of these partitions until the transaction ends; forgets everything where it was not the owner of one."""
        names = {"partitions": sorted(set(partitions)), "owner": self._owner}
        held = cursor.execute(SQL["hold"].encode(), names).fetchone()
        if held is None or held[0] != len(names["partitions"]):
            cursor.execute(SQL["claim"].encode(), names)
            self.forget()

    def begin(self, cursor: Cursor, told: Sequence[Taken]) -> Begun:
        """Whom the messages are about, and the states of these patients.

        A patient with merged-away ids is never held: two workers may hold one of its partitions each, and take turns; nor is a state used that
        another worker's message has changed since.
        """
        fresh, found = self._addressed(cursor, told)
        current = {alias: into for alias, (into, _) in found.items() if into is not None}
        self._merged = {*current, *current.values()}
        several = {one: identity.recorded_as(found, one) for one in set(current.values())}
        self.kin = {alias: numbers for numbers in several.values() for alias in numbers}
        for alias in self._merged:
            self._drop(alias)
        wanted = {current.get(key, key) for taken in fresh for key in keys(taken)}
        self._counts = {patient_id: found.get(patient_id, (None, 0))[1] for patient_id in wanted}
        return Begun(fresh=fresh, current=current, states=self._states(cursor, wanted, found, self._counts), strangers=self._strangers)

    def of(self, cursor: Cursor, ids: Sequence[str]) -> dict[str, PatientState]:
        """The states of patients of whom no message came; none of whoever was merged away. Nothing of it is remembered."""
        found = identity.known(cursor, ids)
        survivors = sorted({into for into, _ in found.values() if into is not None} & set(ids))
        if survivors:
            cursor.execute(STORE["lock_survivors"].encode(), {"ids": survivors})
        wanted = {one for one in ids if found.get(one, (None, 0))[0] is None}
        self._merged = {*survivors}
        return self._states(cursor, wanted, found, {one: found.get(one, (None, 0))[1] for one in wanted})

    def _states(
        self, cursor: Cursor, wanted: AbstractSet[str], found: identity.Known, counts: Mapping[str, int]
    ) -> dict[str, PatientState]:
        """Those that are held and hold still, else as they are kept, else from the stored facts."""
        states = {
            one: self._held[one].state
            for one in wanted
            if one in self._held and one not in self._merged and self._held[one].disturbed == counts[one]
        }
        alone = {one: counts[one] for one in wanted - states.keys() - self._merged}
        states |= snapshots.load(cursor, alone) if alone else {}
        absent = {one: identity.recorded_as(found, one) for one in sorted(wanted - states.keys())}
        return states | recall.states_of(cursor, absent)

    def _addressed(self, cursor: Cursor, told: Sequence[Taken]) -> tuple[Sequence[Taken], identity.Known]:
        """The messages under the patients they are of. Of a visit that was moved meanwhile, the patient may be another worker's: then nobody runs
        beside; of a merged patient two workers may get messages: then they take turns.
        """
        found = identity.known(cursor, [key for taken in told for key in keys(taken)])
        fresh = identity.redirected(cursor, found, told)
        self._strangers = {one.patient_id for one, was in zip(fresh, told, strict=True) if one is not was and one.patient_id is not None}
        if self._strangers:
            cursor.execute(STORE["lock_merges"].encode())
            found = identity.known(cursor, [key for taken in fresh for key in keys(taken)])
        survivors = sorted({into for into, _ in found.values() if into is not None})
        if survivors:
            cursor.execute(STORE["lock_survivors"].encode(), {"ids": survivors})
        return fresh, found

    def keep(self, cursor: Cursor, batch: Batch, now: datetime, *, in_order: bool) -> None:
        """Keeps in the database what has moved on enough; not `in_order`: what was kept of these patients is dropped, as facts came behind it."""
        new = Counter(
            spoken.patient_id
            for taken in batch.taken
            for spoken in taken.spoken[:1]
            for event in spoken.subject.events
            if isinstance(event, Observation)
        )
        homes = {taken.spoken[0].patient_id: taken.record.source.partition for taken in batch.taken if taken.spoken}
        self._next = {}
        for patient_id, state in batch.states.items():
            if patient_id in batch.guests or patient_id in self._merged or patient_id not in homes:
                continue
            before = self._held.get(patient_id)
            unkept = (before.unkept if before else snapshots.EVERY // 2) + new[patient_id]
            self._next[patient_id] = Held(state=state, disturbed=self._counts.get(patient_id, 0), unkept=unkept)
        left = [one for one, held in self._next.items() if held.state.encounter is not None and held.state.encounter.status != "open"]
        snapshots.drop(cursor, list(batch.states) if not in_order else [one for one in left if batch.histories.get(one)])
        due = [one for one, held in self._next.items() if held.unkept >= snapshots.EVERY and one not in left]
        if in_order:
            self._keep(cursor, due[:KEPT_AT_ONCE], {one: homes[one] for one in due}, now)
        for one in left:
            del self._next[one]

    def _keep(self, cursor: Cursor, due: Sequence[str], homes: dict[str, int], now: datetime) -> None:
        for partition in sorted({homes[one] for one in due}):
            mine = [one for one in due if homes[one] == partition]
            snapshots.keep(cursor, ((self._next[one].state, self._next[one].disturbed) for one in mine), partition, now)
            for one in mine:
                self._next[one] = replace(self._next[one], unkept=0)

    def remember(self, batch: Batch) -> None:
        """After the commit."""
        for patient_id in batch.states:
            self._drop(patient_id)
            if patient_id in self._next:
                self._held[patient_id] = self._next[patient_id]
                self._readings += self._next[patient_id].size
        while self._readings > HELD_READINGS and len(self._held) > 1:
            self._drop(next(iter(self._held)))

    def _drop(self, patient_id: str) -> None:
        gone = self._held.pop(patient_id, None)
        if gone is not None:
            self._readings -= gone.size

    def held(self) -> dict[str, PatientState]:
        """What is held, by patient."""
        return {patient_id: one.state for patient_id, one in self._held.items()}
