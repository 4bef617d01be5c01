"""The run without a fault: the acknowledged messages walked through the pure core alone, one after the other, without any server."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alerts.episode import Episode
from alerts.policy import decide
from alerts.policy_file import load
from alerts.rules import Policy, Tier
from parsers.events import Merge, Note, Observation, Order
from scoring.bedside import Bedside
from scoring.score import Score
from scoring.voice import ModelUnavailable
from streams.patient import PatientState
from streams.processing import Moment, Taken, process, read_record
from streams.record import Record, Source
from streams.times import time_of
from tests.fault.scripts import Said


class Silent:
    """No model: pages of these tests do not depend on one."""

    name, version = "none", "0"

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        raise ModelUnavailable("away")


@dataclass(slots=True)
class Expected:
    """What must be found. `observations`: rows as the view gives them; `pages`: (patient, tier); `scores`: control id to NEWS2's (value, at least)."""

    observations: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    orders: int = 0
    notes: int = 0
    states: dict[str, PatientState] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    pages: Counter[tuple[str, str]] = field(default_factory=Counter)
    scores: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)


class Walk:
    """`streams.transaction` and `alerts.bedside` as they would be if nothing could fail: the same pure functions over plain dictionaries."""

    def __init__(self, policy: Path, zone: tzinfo = UTC) -> None:
        self._zone = zone
        self.expected = Expected()
        self._policy: Policy = load(policy, 1.0)
        self._scorer = Bedside(Silent(), lambda _: None)
        self._open: dict[str, dict[Tier, Episode]] = defaultdict(dict)
        self._known: set[int] = set()
        self._heard: dict[str, list[Taken]] = defaultdict(list)

    def take(self, said: Said, received_at: datetime, number: int) -> None:
        """One acknowledged message."""
        source = Source(topic="oracle", partition=0, offset=number)
        taken = read_record(Record(source=source, value=said.raw, received_at=received_at, control_id=said.control_id), self._zone)
        found = self.expected
        if taken.outcome == "stored" and taken.record.fingerprint not in self._known:
            self._merge(taken)
        if taken.patient_id is not None:
            self._heard[found.aliases.get(taken.patient_id, taken.patient_id)].append(taken)
        batch = process([taken], found.states, found.aliases, self._known)
        self._known.add(taken.record.fingerprint)
        found.states = batch.states
        for one in batch.taken:
            if one.outcome == "stored":
                self._facts(one)
        for moment in batch.moments:
            self._follow(moment, said.control_id)

    def _facts(self, taken: Taken) -> None:
        events = taken.message.events if taken.message else ()
        received_at = taken.record.received_at
        for event in events:
            if isinstance(event, Observation):
                said = (_text(event.code), event.value_num, _text(event.value_text), _text(event.unit), time_of(event, received_at))
                self.expected.observations[taken.patient_id, *said, received_at, event.status] += 1
        self.expected.orders += sum(isinstance(event, Order) for event in events)
        self.expected.notes += sum(isinstance(event, Note) for event in events)

    def _merge(self, taken: Taken) -> None:
        """The survivor's state is what all messages under both numbers give, walked through once more."""
        for event in taken.message.events if taken.message else ():
            if isinstance(event, Merge) and taken.patient_id is not None:
                into, states = taken.patient_id, self.expected.states
                self.expected.aliases[event.from_key] = into
                both = self._heard[into] = sorted(
                    self._heard[into] + self._heard.pop(event.from_key, []), key=lambda one: one.record.source
                )
                states.pop(event.from_key, None)
                states |= process(both, {}, self.expected.aliases, frozenset()).states
                for tier, episode in self._open.pop(event.from_key, {}).items():
                    self._open[into].setdefault(tier, episode)

    def _follow(self, moment: Moment, control_id: str) -> None:
        mine = self._open[moment.patient.patient_id]
        if moment.closed:
            mine.clear()
        for score in self._scorer.score([moment], moment.received_at):
            self.expected.scores[control_id] = (score.value, score.at_least)
            self._decide(moment, score, mine)

    def _decide(self, moment: Moment, score: Score, mine: dict[Tier, Episode]) -> None:
        encounter = moment.patient.encounter
        in_hospital = encounter is None or encounter.status == "open"
        rules = self._policy.rules_for(encounter.unit if encounter else None, moment.received_at)
        for decision in decide(score, mine, rules, moment.received_at, in_hospital=in_hospital):
            if decision.kind == "raise":
                self.expected.pages[moment.patient.patient_id, decision.tier] += 1
                mine[decision.tier] = Episode(
                    episode_id="", patient_id=moment.patient.patient_id, encounter_id=None, tier=decision.tier, unit=None, bed=None,
                    opened_at=moment.received_at, state="open", reason="news2", score_id="",
                )  # fmt: skip
            elif decision.kind == "clear":
                del mine[decision.tier]


def _text(value: str | None) -> str | None:
    """PostgreSQL's text holds no NUL; it is kept visibly."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if value is not None else None


def expected(said: Sequence[Said], received_at: Mapping[str, datetime], policy: Path, zone: tzinfo = UTC) -> Expected:
    """What these messages, in this order, must lead to. `received_at`: by control id; `zone`: of times without an offset."""
    walk = Walk(policy, zone)
    for number, one in enumerate(said):
        walk.take(one, received_at[one.control_id], number)
    found = walk.expected
    raised, found.pages = found.pages, Counter()
    for (patient_id, tier), times in raised.items():
        found.pages[found.aliases.get(patient_id, patient_id), tier] += times
    return found
