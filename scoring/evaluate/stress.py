"""Stays spoilt as hospitals spoil them: readings lost, a kind of input gone, results late; each walked again through the bedside's own code. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Final

import numpy as np

from parsers.events import Event, Medication, Observation
from scoring.models.trajectory import Step, Trajectory
from streams.features import CODE, LABS, VITALS
from streams.patient import code_of

LOST: Final = (0.1, 0.3, 0.5)
LATE_H: Final = (2.0, 6.0)

Spoil = Callable[[Trajectory], Trajectory]

_LABS: Final = frozenset(CODE[name] for name in LABS if name not in {"fio2", "etco2"})
_VITALS: Final = frozenset(CODE[name] for name in (*VITALS, "fio2", "etco2", "oxygen_flow"))


def kind_of(event: Event) -> str:
    """The kind of input an event is."""
    if isinstance(event, Medication):
        return "medications"
    if not isinstance(event, Observation):
        return "other"
    code = code_of(event)
    return "labs" if code in _LABS else "vital signs" if code in _VITALS else "nursing assessments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoilt:
    """One way to spoil a stay, and what it is called in the report."""

    name: str
    spoil: Spoil


def ways(kinds: frozenset[str]) -> tuple[Spoilt, ...]:
    """Every way for stays that hold these kinds of input; a kind that is not there cannot be taken away."""
    return (
        *(Spoilt(name=f"{share:.0%} of the readings lost", spoil=partial(lost, share=share)) for share in LOST),
        *(Spoilt(name=f"no {kind}", spoil=partial(without, kind=kind)) for kind in sorted(kinds - {"other"})),
        Spoilt(name="age and sex not known", spoil=nameless),
        *(Spoilt(name=f"labs {hours:g} hours late", spoil=partial(late, kind="labs", hours=hours)) for hours in (LATE_H if "labs" in kinds else ())),
    )  # fmt: skip


def lost(stay: Trajectory, share: float) -> Trajectory:
    """Each observation is lost with that probability, the same ones in every run; of two shares the larger loses what the smaller does."""
    seed = int.from_bytes(blake2b(stay.patient_id.encode(), digest_size=8).digest())
    chance = iter(np.random.default_rng(seed).random(sum(len(step.events) for step in stay.steps)))
    kept = [[event for event in step.events if next(chance) >= share or not isinstance(event, Observation)] for step in stay.steps]
    return replace(stay, steps=[replace(step, events=events) for step, events in zip(stay.steps, kept, strict=True)])


def without(stay: Trajectory, kind: str) -> Trajectory:
    """A whole kind of input never comes."""
    return replace(stay, steps=[replace(step, events=[one for one in step.events if kind_of(one) != kind]) for step in stay.steps])


def nameless(stay: Trajectory) -> Trajectory:
    """Birth date and sex never come."""
    return replace(stay, initial=replace(stay.initial, birth_date=None, sex=None))


def late(stay: Trajectory, kind: str, hours: float) -> Trajectory:
    """A kind of input is received so much later, with its own time of observation; what would come after the last step never comes."""
    delay = timedelta(hours=hours)
    arrivals: list[tuple[datetime, Event]] = []
    for step in stay.steps:
        arrivals.extend((step.at + delay if kind_of(event) == kind else step.at, event) for event in step.events)
    arrivals.sort(key=lambda one: one[0])
    steps, number = [], 0
    for step in stay.steps:
        until = number
        while until < len(arrivals) and arrivals[until][0] <= step.at:
            until += 1
        steps.append(Step(at=step.at, events=[event for _, event in arrivals[number:until]]))
        number = until
    return replace(stay, steps=steps)


def kinds_in(stay: Trajectory) -> frozenset[str]:
    """The kinds of input that a stay holds."""
    return frozenset(kind_of(event) for step in stay.steps for event in step.events)


def sample(events: Mapping[str, bool], most: int, seed: int) -> dict[str, float]:
    """At most so many patients with what each stands for: those with the event first, up to half, and a random draw of the others.

    >>> sample({"a": True, "b": False, "c": False, "d": False}, 2, 1).values()
    dict_values([1.0, 3.0])
    """
    random = np.random.default_rng(seed)
    found: dict[str, float] = {}
    left = most
    for event, room in ((True, max(most // 2, most - sum(not one for one in events.values()))), (False, most)):
        all_of = [name for name, happened in events.items() if happened is event]
        chosen = random.permutation(np.array(all_of, np.str_))[: min(room, left)]
        found |= {str(name): len(all_of) / len(chosen) for name in chosen}
        left = most - len(found)
    return found
