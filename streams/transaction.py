"""One batch, one transaction: what is new is read, scored, decided and written, and the partitions' progress moves with it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar

import psycopg

from infra.database.sql import statements
from parsers.events import Move
from parsers.profile import PLAIN, Profile
from streams import backlog, identity, parts, progress, store, wakes
from streams.backlog import Range
from streams.cache import States
from streams.patient import PatientState
from streams.processing import Batch, Moment, Taken, merges, moves, process, reaches_beyond, read_record
from streams.record import Record
from streams.resends import Name
from streams.rows import text
from streams.wakes import NONE, Planned, Timers, Wake

SQL = statements("streams", "store.sql")

RESEND_WINDOW = timedelta(days=7)
"""How long the same bytes count as a resend; senders' queues are drained within days, and a wider look would read every chunk."""

S = TypeVar("S")
T = TypeVar("T")
S_contra = TypeVar("S_contra", contravariant=True)


class Scorer(Protocol[S]):
    """What the roof hands in to score. `score` may call Triton; `recall`, before it, and `write`, after, are part of the batch's transaction."""

    def recall(self, cursor: psycopg.Cursor, moments: Sequence[Moment]) -> None:
        """Reads what the scorer itself keeps of these patients."""
        ...

    def score(self, moments: Sequence[Moment], now: datetime) -> Sequence[S]:
        """The scores of these moments, in their order."""
        ...

    def write(self, cursor: psycopg.Cursor, scores: Sequence[S]) -> None:
        """Writes them."""
        ...


class Policy(Protocol[S_contra]):
    """What the roof hands in to decide who is told; both calls are part of the batch's transaction."""

    def decide(self, cursor: psycopg.Cursor, moments: Sequence[Moment], scores: Sequence[S_contra], now: datetime) -> None:
        """Opens and closes episodes and writes the pages they ask for; scores of other moments than these decide nothing."""
        ...

    def merge(self, cursor: psycopg.Cursor, from_id: str, into_id: str, now: datetime) -> None:
        """Moves what is open for a merged-away patient to the survivor."""
        ...

    def move(self, cursor: psycopg.Cursor, event: Move, into_id: str, from_id: str, now: datetime) -> None:
        """Moves what is open for a visit that was filed under the wrong patient to the right one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Generic[S]):
    """What one transaction did: the new messages with their outcomes, and the scores made."""

    taken: Sequence[Taken]
    scores: Sequence[S]


class Transactor(Generic[S]):
    """Takes batches of records into the database, each at most once, whoever else tries.

    The progress rows of the batch's partitions are locked first: what lies behind them is known already and skipped, what lies
    ahead is a Gap, and a worker that lost its partition finds everything behind. The cache is only changed after the commit.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        scorer: Scorer[S],
        policy: Policy[S],
        *,
        now: Callable[[], datetime],
        timezones: Mapping[str, tzinfo],
        quarantine: Callable[[Sequence[Taken]], None],
        profiles: Mapping[str, Profile] = MappingProxyType({}),
        timers: Timers = NONE,
    ) -> None:
        self._connect, self._connection = connect, None
        self._scorer, self._policy, self._now = scorer, policy, now
        self._timezones, self._profiles, self._quarantine, self._timers = timezones, profiles, quarantine, timers
        self.states = States()

    _connection: psycopg.Connection | None

    def forget(self) -> None:
        """Drops the cached states and the connection: after a rebalance or a failure the database is asked anew."""
        self.states.forget()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def record(self, records: Sequence[Record]) -> Recorded[S]:
        """Records a batch; returns after the commit. Raises Gap, or psycopg.Error with nothing written."""
        return self._transact(records, self._live)

    def fill(self, found: Range, records: Sequence[Record]) -> Recorded[S]:
        """Records a batch of a backlog's range. History is filled in; people are told only what holds now. Raises as `record` does."""
        return self._transact(records, lambda cursor, read: self._past(cursor, found, read))

    def wake(self, partitions: Sequence[int]) -> Recorded[S]:
        """Scores the patients of these partitions whose time has come though no message did, at most `wakes.AT_ONCE`. Raises psycopg.Error.

        The partitions are made this worker's own first, as for a batch: so the states are the newest, and a worker that lost them learns it.
        """
        if not self.ask(lambda cursor: wakes.waiting(cursor, partitions, self._now())):
            return Recorded(taken=(), scores=())
        try:
            with self._open().transaction(), self._open().cursor() as cursor:
                cursor.execute(SQL["lock_merges_shared"].encode())
                return Recorded(taken=(), scores=self._wake(cursor, partitions))
        except BaseException:
            self.forget()
            raise

    def ask(self, question: Callable[[psycopg.Cursor], T]) -> T:
        """Asks the database something in a transaction of its own. Raises psycopg.Error."""
        with self._open().transaction(), self._open().cursor() as cursor:
            return question(cursor)

    def give_up_parts(self) -> int:
        """Sets aside the parts of messages whose rest did not come; tells how many. Raises psycopg.Error, DependencyAway."""
        return self.ask(lambda cursor: parts.give_up(cursor, self._now(), self._quarantine))

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _read(self, record: Record) -> Taken:
        feed = record.feed or ""
        return read_record(record, self._timezones.get(feed, UTC), self._profiles.get(feed, PLAIN))

    def _transact(
        self, records: Sequence[Record], within: Callable[[psycopg.Cursor, Sequence[Taken]], tuple[Batch, Sequence[S]]]
    ) -> Recorded[S]:
        read = [self._read(record) for record in records]
        if len(read) > 1 and (moves(read) or any(taken.waits for taken in read)):
            # A visit's facts are moved in the database, so those before it must be there; and a part may turn out to be such a move.
            each = [self._transact([record], within) for record in records]
            return Recorded(taken=[taken for one in each for taken in one.taken], scores=[score for one in each for score in one.scores])
        try:
            with self._open().transaction(), self._open().cursor() as cursor:
                cursor.execute(SQL["lock_merges" if any(reaches_beyond(taken) for taken in read) else "lock_merges_shared"].encode())
                batch, scores = within(cursor, read)
        except BaseException:
            self.forget()
            raise
        self.states.remember(batch)
        return Recorded(taken=batch.taken, scores=scores)

    def _live(self, cursor: psycopg.Cursor, read: Sequence[Taken]) -> tuple[Batch, Sequence[S]]:
        now = self._now()
        expected = progress.begun_again(cursor, read, progress.lock(cursor, read))
        fresh = progress.fresh_of(read, expected)
        if not fresh:
            return Batch(), ()
        batch, before = self._process(cursor, fresh, now)
        kept = wakes.held(cursor, batch.states) if self._timers.timed else {}
        planned = self._planned(batch, before, kept)
        scores = self._scored(cursor, planned.moments, now)
        self._write(cursor, batch, scores, now)
        self._policy.decide(cursor, planned.decided(now), scores, now)
        wakes.keep(cursor, kept, planned.next, _homes(batch))
        progress.advance(cursor, fresh, expected)
        self.states.keep(cursor, batch, now, in_order=True)
        return batch, scores

    def _planned(self, batch: Batch, before: Mapping[str, PatientState], kept: Mapping[str, Wake]) -> Planned:
        if not self._timers.timed:
            return Planned(moments=batch.moments)
        known = {one: (before[one], wake) for one, wake in kept.items() if one in before}
        return wakes.interleaved(batch.moments, known, self._timers.next_change)

    def _wake(self, cursor: psycopg.Cursor, partitions: Sequence[int]) -> Sequence[S]:
        now = self._now()
        mine = wakes.waiting(cursor, partitions, now)
        self.states.own(cursor, mine)
        kept = wakes.due(cursor, mine, now)
        states = self.states.of(cursor, sorted(kept))
        planned = [
            wakes.woken(states[one], wake, place, now, self._timers.next_change) for one, (wake, place) in kept.items() if one in states
        ]
        scores = self._scored(cursor, [moment for one in planned for moment in one.moments], now)
        self._scorer.write(cursor, scores)
        self._policy.decide(cursor, [moment for one in planned for moment in one.decided(now)], scores, now)
        following: dict[str, datetime | None] = dict.fromkeys(kept)
        for one in planned:
            following |= one.next
        wakes.keep(cursor, {one: wake for one, (wake, _) in kept.items()}, following, {one: place for one, (_, place) in kept.items()})
        return scores

    def _past(self, cursor: psycopg.Cursor, found: Range, read: Sequence[Taken]) -> tuple[Batch, Sequence[S]]:
        now = self._now()
        expected = backlog.lock(cursor, found)
        fresh = [] if expected is None else progress.fresh_of(read, {found.place: expected})
        if expected is None or not fresh:
            return Batch(), ()
        batch, _ = self._process(cursor, fresh, now)
        batch.moments, present = backlog.judged_now(batch.moments, now)
        scores = self._scored(cursor, batch.moments, now)
        self._write(cursor, batch, scores, now)
        moments = [moment for moment in batch.moments if str(moment.source) in present]
        self._policy.decide(cursor, moments, scores, now)
        if self._timers.timed:
            following = {moment.patient.patient_id: self._timers.next_change(moment.patient, now) for moment in moments}
            wakes.keep(cursor, wakes.held(cursor, following), following, _homes(batch))
        backlog.advance(cursor, found, expected, fresh[-1].record.source.offset + 1)
        self.states.keep(cursor, batch, now, in_order=False)
        return batch, scores

    def _process(self, cursor: psycopg.Cursor, fresh: Sequence[Taken], now: datetime) -> tuple[Batch, Mapping[str, PatientState]]:
        """What the messages add up to, and the states there were before them."""
        known, named = _known(cursor, fresh, now)
        fresh = [parts.take(cursor, one, self._read, now) if one.waits and one.record.fingerprint not in known else one for one in fresh]
        new = [taken for taken in fresh if taken.record.fingerprint not in known]
        anew = identity.merge(cursor, merges(new), now, lambda from_id, into_id: self._merged(cursor, from_id, into_id, now))
        anew |= identity.move(
            cursor, moves(new), now, lambda event, into_id, from_id: self._policy.move(cursor, event, into_id, from_id, now)
        )
        self.states.own(cursor, (taken.record.source.partition for taken in fresh))
        begun = self.states.begin(cursor, fresh)
        batch = process(begun.fresh, begun.states, begun.current, known, anew, named)
        batch.kin = self.states.kin
        batch.guests |= begun.strangers
        return batch, begun.states

    def _merged(self, cursor: psycopg.Cursor, from_id: str, into_id: str, now: datetime) -> None:
        self._policy.merge(cursor, from_id, into_id, now)
        wakes.forget(cursor, [from_id])

    def _scored(self, cursor: psycopg.Cursor, moments: Sequence[Moment], now: datetime) -> Sequence[S]:
        self._scorer.recall(cursor, moments)
        return self._scorer.score(moments, now)

    def _write(self, cursor: psycopg.Cursor, batch: Batch, scores: Sequence[S], now: datetime) -> None:
        store.write(cursor, batch, now)
        self._scorer.write(cursor, scores)
        set_aside = [taken for taken in batch.taken if taken.outcome == "quarantined"]
        if set_aside:
            self._quarantine(set_aside)


def _homes(batch: Batch) -> dict[str, int]:
    """The partition of the last message that spoke of each patient."""
    return {moment.patient.patient_id: moment.source.partition for moment in batch.moments}


def _known(cursor: psycopg.Cursor, fresh: Sequence[Taken], now: datetime) -> tuple[set[int], dict[Name, set[int]]]:
    """Which of these messages' fingerprints were recorded before, and with which fingerprints their names came."""
    control_ids = sorted({text(taken.record.control_id) or "" for taken in fresh if taken.record.control_id})
    names: dict[str, object] = {
        "fingerprints": [taken.record.fingerprint for taken in fresh], "control_ids": control_ids, "since": now - RESEND_WINDOW,
        "senders": sorted({text(taken.record.sent_by) or "" for taken in fresh if taken.record.sent_by}),
    }  # fmt: skip
    known: set[int] = set()
    named: dict[Name, set[int]] = {}
    for fingerprint, sent_by, control_id in cursor.execute(SQL["known_messages"].encode(), names):
        if control_id is None:
            known.add(fingerprint)
        elif sent_by is not None:
            named.setdefault((sent_by, control_id), set()).add(fingerprint)
    return known, named
