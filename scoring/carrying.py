"""The sequence model at the bedside: what it carries of a batch's patients, read, taken a step further in one request, and written again."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

import numpy as np
from psycopg import Cursor

from scoring import carried_store as store
from scoring.carried_store import Standing
from scoring.models.sequence.carried import Answer, Carried, Cell, OddAnswer, advance_all, follows, nothing_carried, opened
from scoring.models.sequence.metadata import SequenceMetadata
from scoring.models.sequence.step import Step, step_of
from scoring.models.sequence.whole import Whole
from scoring.rebuilt import STEPPED, hours_of, takes_a_step, without
from scoring.score import Mode, Score
from scoring.voice import ModelUnavailable
from streams import as_of
from streams.patient import NO_VALUE
from streams.processing import Moment
from streams.wakes import TOPIC

HELD: Final = 20_000
"""Patients held in memory, some 4 kB each; the least recently seen go first, and are read again when needed."""

AT_ONCE: Final = 4
"""Patients whose memory is made again from their facts in one batch, some 0.1 s each after ten days: the others' turn comes with their next message,
and the network is silent about them until then. Nobody's NEWS2 waits for more."""

FOREVER: Final = datetime.max.replace(tzinfo=UTC)

Why = Literal["missing", "joined", "corrected", "behind"]


def why_rebuilt(standing: Standing, moments: Sequence[Moment]) -> Why | None:
    """Why what is kept does not hold any more for a patient's next messages. Pure.

    `joined`: another patient's facts came to this one's, or went. `corrected`: a value that a step which is closed may hold was corrected or taken
    back. `behind`: a message was received before the open step began.
    """
    kept = standing.kept
    if kept is None:
        return "missing"
    if kept.disturbed != standing.disturbed:
        return "joined"
    if kept.before_at is None:
        return None
    if any(corrected(one, kept.before_at) for one in moments):
        return "corrected"
    return "behind" if any(one.received_at <= kept.before_at for one in moments) else None


def corrected(moment: Moment, before_at: datetime | None = None) -> frozenset[str]:
    """Names of the results that a message corrects or takes back, of those taken by then."""
    found = (one for code in moment.changed for one in moment.patient.readings.get(code, ()))
    return frozenset(
        one.result_key
        for one in found
        if one.result_key is not None
        and one.received_at == moment.received_at
        and (one.status == "corrected" or one.status in NO_VALUE)
        and (before_at is None or one.observed_at <= before_at)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One patient of a batch. `unanswered`: so many of the first moments get no score, because what they knew was corrected within the
    batch. `anew`: it was not kept like this."""

    carried: Carried
    disturbed: int
    moments: Sequence[Moment]
    unanswered: int = 0
    anew: bool = False


class Carrying:
    """One version of the network. `mode`: whether its scores may page (live) or are only kept.

    Memory is only a copy: with every batch the database says what holds, so that a rolled-back transaction, another worker and a restart all find
    the same. What goes on while Triton is away is computed from the weights here, and not told.
    """

    def __init__(self, cell: Cell, whole: Whole, metadata: SequenceMetadata, mode: Mode) -> None:
        self._cell, self._whole, self._metadata, self._mode = cell, whole, metadata, mode
        self._held: OrderedDict[str, Carried] = OrderedDict()
        self._batch: dict[str, Patient] = {}
        self._kept: Mapping[str, Standing] = {}
        self._gone: set[str] = set()

    def recall(self, cursor: Cursor, moments: Sequence[Moment]) -> None:
        """What is carried of everybody whom these moments ask about: held, kept, new, or made again."""
        late = {one.patient.patient_id for one in moments if one.late}
        self._gone = late | {one.patient.patient_id for one in moments if one.closed}
        asked: dict[str, list[Moment]] = {}
        for one in moments:
            if one.source.topic == TOPIC:
                continue  # time alone measures nothing, and a replay of the facts would not find it
            if one.patient.patient_id not in late and takes_a_step(one.patient, one.changed, one.received_at):
                asked.setdefault(one.patient.patient_id, []).append(one)
        self._kept = store.standings(cursor, self._metadata.version, list(asked)) if asked else {}
        reasons = {one: why_rebuilt(self._kept[one], asked[one]) for one in asked}
        found = self._read(cursor, [one for one, why in reasons.items() if why is None])
        self._batch = {
            one: Patient(carried=carried, disturbed=self._kept[one].disturbed, moments=asked[one]) for one, carried in found.items()
        }
        self._rebuild(cursor, {one: asked[one] for one in asked if one not in found})

    def _read(self, cursor: Cursor, ids: Sequence[str]) -> dict[str, Carried]:
        """Held ones where they are what is kept, the others from the database; nobody whose numbers are not this model's."""
        kept = {one: self._kept[one].kept for one in ids}
        found = {one: self._held[one] for one in ids if one in self._held and (row := kept[one]) is not None and row.is_of(self._held[one])}
        cold = [one for one in ids if one not in found]
        for one, before in (store.befores(cursor, self._metadata.version, cold) if cold else {}).items():
            row = kept[one]
            step = None if row is None else store.unpacked(row.step)
            if row is None or step is None or len(before) != len(nothing_carried(self._cell).before) or not np.isfinite(before).all():
                continue
            carried = Carried(
                version=self._metadata.version, before=before, before_at=row.before_at, opened_at=row.opened_at, at=row.at, step=step, numbers=before,
            )  # fmt: skip
            found[one] = replace(carried, numbers=self._whole.closed(carried))
        return found

    def _rebuild(self, cursor: Cursor, wanted: Mapping[str, Sequence[Moment]]) -> None:
        recorded = store.measured(cursor, [one for one in wanted if self._kept[one].recorded])
        for patient_id, moments in wanted.items():
            carried = nothing_carried(self._cell)
            if patient_id in recorded:
                if sum(1 for one in recorded if one in self._batch) >= AT_ONCE:
                    continue
                carried = self._from_facts(cursor, patient_id, moments)
            correcting = [number for number, one in enumerate(moments) if corrected(one)]
            self._batch[patient_id] = Patient(
                carried=carried,
                disturbed=self._kept[patient_id].disturbed,
                moments=moments,
                unanswered=max(correcting, default=0),
                anew=True,
            )

    def _from_facts(self, cursor: Cursor, patient_id: str, moments: Sequence[Moment]) -> Carried:
        """Of what was recorded before this batch, without what it corrects: its own messages are taken a step further as always."""
        nobody, merged, facts = as_of.recorded(cursor, patient_id)
        known = as_of.known(facts, as_of.known_as(patient_id, merged, FOREVER), moments[0].received_at)
        results = frozenset().union(*(corrected(one) for one in moments))
        return replace(self._whole.carried(hours_of(nobody, without(known, results))), version=self._metadata.version)

    def score(self, moments: Sequence[Moment], now: datetime, *, ask: bool) -> list[Score]:
        """The network's score for each moment that `recall` prepared, in order. `ask`: whether Triton is to be asked at all."""
        answers: dict[str, Answer] = {}
        waiting = {one: list(patient.moments) for one, patient in self._batch.items()}
        while waiting:
            answers |= self._round(waiting, ask=ask)
            waiting = {one: rest for one, rest in waiting.items() if rest}
        silent = {str(one.source) for patient in self._batch.values() for one in patient.moments[: patient.unanswered]}
        return [
            self._score(one, answers[source], now) for one in moments if (source := str(one.source)) in answers and source not in silent
        ]

    def _round(self, waiting: dict[str, list[Moment]], *, ask: bool) -> dict[str, Answer]:
        """Of every patient the messages of one step, in one request; a further round only where a batch reaches over more than an hour."""
        moves: list[tuple[Carried, datetime, Step]] = []
        of: list[tuple[str, Moment]] = []
        for patient_id, left in waiting.items():
            begun = opened(self._batch[patient_id].carried, left[0].received_at)
            while left and (not of or of[-1][0] != patient_id or follows(begun.opened_at, begun.at, left[0].received_at) == "same"):
                moment = left.pop(0)
                at = moment.received_at
                moves.append((begun, at, step_of(moment.patient, at, begun.since)))
                of.append((patient_id, moment))
        found, told = self._advanced(moves, ask=ask)
        for (patient_id, _), (carried, _) in zip(of, found, strict=True):
            self._batch[patient_id] = replace(self._batch[patient_id], carried=carried)
        return {str(moment.source): answer for (_, moment), (_, answer) in zip(of, found, strict=True)} if told else {}

    def _advanced(self, moves: Sequence[tuple[Carried, datetime, Step]], *, ask: bool) -> tuple[list[tuple[Carried, Answer]], bool]:
        """The moves made, and whether Triton made them: what it did not say is not told."""
        try:
            return advance_all(self._cell if ask else self._whole, moves), ask
        except (ModelUnavailable, OddAnswer):
            return advance_all(self._whole, moves), False

    def write(self, cursor: Cursor) -> None:
        """Keeps what is carried now, within the batch's transaction."""
        begun: dict[str, tuple[Carried, int]] = {}
        going_on: dict[str, Carried] = {}
        for patient_id, patient in self._batch.items():
            kept, carried = self._kept[patient_id].kept, patient.carried
            if patient_id in self._gone:
                self._held.pop(patient_id, None)
                continue
            if kept is not None and not patient.anew and (kept.before_at, kept.opened_at) == (carried.before_at, carried.opened_at):
                going_on[patient_id] = carried
            else:
                begun[patient_id] = (carried, patient.disturbed)
            self._held[patient_id] = carried
            self._held.move_to_end(patient_id)
        store.put(cursor, self._metadata.version, begun, going_on)
        store.drop(cursor, self._gone)
        self._batch = {}
        while len(self._held) > HELD:
            self._held.popitem(last=False)

    def _score(self, moment: Moment, answer: Answer, now: datetime) -> Score:
        """`value` is the worth: above ½ an alarm is worth its cost; the risks that its data could teach it are parts."""
        patient, at = moment.patient, moment.received_at
        newest = [readings[-1].observed_at for code, readings in patient.readings.items() if code in moment.changed & STEPPED]
        parts = {
            f"{task}_{horizon:g}h": round(answer.risk(task, horizon), 6)
            for task in self._metadata.learned
            for horizon in self._metadata.horizons_h
        }
        return Score(
            score_id=f"{moment.source}/{self._metadata.name}" + (f"@{self._metadata.version}" if self._mode == "shadow" else ""),
            patient_id=patient.patient_id, encounter_id=patient.encounter.encounter_id if patient.encounter else None, name=self._metadata.name,
            version=self._metadata.version, value=answer.worth, at_least=answer.worth, red=False, as_of=min(max(newest, default=at), at), scored_at=now,
            mode=self._mode, parts=parts, missing=(), findings=(), at=at,
        )  # fmt: skip
