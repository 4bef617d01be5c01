"""From a patient's stored facts to the steps that the sequence model would have taken of them at the bedside. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from parsers.events import CodeStatus, Medication, Observation
from scoring.models.sequence.carried import INSTANT, follows, with_gap
from scoring.models.sequence.step import CODES, step_of
from scoring.models.sequence.whole import Hour
from streams.as_of import Told
from streams.movements import Moved
from streams.patient import PatientState, advance_all, code_of, moved

STEPPED = frozenset(CODES)
"""A message that changes none of these takes no step."""


def takes_a_step(state: PatientState, changed: Iterable[str], at: datetime) -> bool:
    """Whether the message of `at`, which is in the state, brought a reading of its own: not where it only joined two patients, or said again what
    was known. `changed`: the codes that it speaks of.
    """
    return any(one.received_at == at for code in changed if code in STEPPED for one in reversed(state.readings.get(code, ())))


def hours_of(nobody: PatientState, facts: Iterable[Told]) -> list[Hour]:
    """The steps of the stay that these facts end in, message by message in the order of receipt. `nobody`: who the patient is, and nothing else.

    `facts`: what was known, of several versions the one that held: a value that was taken back is in no step, a corrected one in the step in
    which the correction was received.
    """
    found: list[Hour] = []
    state, held = nobody, nobody
    opened_at: datetime | None = None
    last_at: datetime | None = None
    before_at: datetime | None = None
    for at, told in _messages(facts):
        state = _after(state, told)
        if not takes_a_step(state, (code for one in told if isinstance(one.fact, Observation) and (code := code_of(one.fact))), at):
            continue
        how = follows(opened_at, last_at, at)
        if how == "anew":
            found, before_at, opened_at = [], None, at
        elif how == "next" and opened_at is not None and last_at is not None:
            found.append(_hour(held, opened_at, last_at, before_at))
            before_at, opened_at = last_at, at
        held, last_at = state, at
    return found if opened_at is None or last_at is None else [*found, _hour(held, opened_at, last_at, before_at)]


def _messages(facts: Iterable[Told]) -> Iterator[tuple[datetime, Sequence[Told]]]:
    ordered = sorted(facts, key=lambda one: (one.received_at, one.place))
    for (at, _), told in groupby(ordered, key=lambda one: (one.received_at, one.place[:3])):
        yield at, list(told)


def _after(state: PatientState, told: Sequence[Told]) -> PatientState:
    """After one message. Therapies and what is to be done at an arrest are in no step."""
    measured = [one.fact for one in told if isinstance(one.fact, Observation)]
    state = advance_all(state, measured, received_at=told[0].received_at) if measured else state
    for one in told:
        if not isinstance(one.fact, Observation | Medication | CodeStatus):
            state = moved(state, [Moved(at=one.occurred_at, received_at=one.received_at, event=one.fact)])
    return state


def _hour(state: PatientState, opened_at: datetime, at: datetime, before_at: datetime | None) -> Hour:
    step = step_of(state, at, before_at if before_at is not None else opened_at - INSTANT)
    return Hour(opened_at=opened_at, at=at, before_at=before_at, step=with_gap(step, before_at, at))


def without(facts: Iterable[Told], results: frozenset[str]) -> list[Told]:
    """The facts but for these results' versions, which a message that is not recorded yet replaces."""
    return [one for one in facts if one.result is None or one.result not in results]
