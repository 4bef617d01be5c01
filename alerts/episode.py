"""An episode: one patient, one tier, from the score that raised it to its end; its states and what moves it between them, as one table."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct

from alerts.rules import Tier

State = Literal[
    "open", "notified", "acknowledged", "at_bedside", "muted", "resolved", "transferred", "merged", "expired", "closed",
]  # fmt: skip
Happening = Literal[
    "accepted", "acknowledged", "arrived", "muted", "unmuted", "cleared", "transferred", "merged", "risen", "reminded", "silent", "left",
]  # fmt: skip

UNANSWERED: Final = frozenset[State](("open", "notified"))
"""Somebody is still looked for: its timers run."""
ANSWERED: Final = frozenset[State](("acknowledged", "at_bedside"))
"""Somebody has it: no page, except by a rise, or by a reminder where the policy declares one."""
OVER: Final = frozenset[State](("resolved", "transferred", "merged", "expired", "closed"))
"""Nothing moves it any more. `transferred`: nobody had answered when the patient moved, and one on the new unit took its place; `merged`: the patient's other
number had the same tier open; `expired`: told anew after a further rise or as a reminder, which is an episode of its own, or nobody has measured for long; `closed`: left."""

_STEPS: Final[Mapping[tuple[State, Happening], State]] = {
    ("open", "accepted"): "notified",
    ("open", "acknowledged"): "acknowledged",
    ("notified", "acknowledged"): "acknowledged",
    ("muted", "acknowledged"): "acknowledged",
    ("open", "arrived"): "at_bedside",
    ("notified", "arrived"): "at_bedside",
    ("muted", "arrived"): "at_bedside",
    ("acknowledged", "arrived"): "at_bedside",
    ("open", "muted"): "muted",
    ("notified", "muted"): "muted",
    ("muted", "unmuted"): "open",
    ("open", "transferred"): "transferred",
    ("notified", "transferred"): "transferred",
}
_LIVE: Final[tuple[State, ...]] = ("open", "notified", "acknowledged", "at_bedside", "muted")
_ENDS: Final[Mapping[Happening, State]] = {"cleared": "resolved", "merged": "merged", "silent": "expired", "left": "closed"}
"""What ends an episode whatever state it is in."""
_ANEW: Final[tuple[Happening, ...]] = ("risen", "reminded")
"""What ends an episode because another tells of the same anew: whoever is muted is not told."""

TRANSITIONS: Final[Mapping[tuple[State, Happening], State]] = MappingProxyType(
    {
        **_STEPS,
        **{(state, happening): "expired" for state in _LIVE if state != "muted" for happening in _ANEW},
        **{(state, happening): end for state in _LIVE for happening, end in _ENDS.items()},
    }
)
"""What is not here changes nothing: a late acceptance does not reopen, a second acknowledgement is the first, a mute after an answer has nothing to silence,
and whoever has answered for a patient keeps the episode through a transfer."""


class Episode(Struct, frozen=True, kw_only=True):
    """`clearing_since`: when the score fell below the clearing threshold, None while it is above. `reason`: why it was raised. `peak`: the highest its score
    had reached while somebody was looked for. `policy_version`: the one that raised it; `follows`: the episode whose place it took.
    `input`: see Decision; `grouped_in`: the storm's episode that pages for it at first. `told_at`: its last step, None where that is its beginning;
    `answered_at`: the last answer; `resting`: nobody has answered and nobody is looked for any more, because every step is taken or nothing escalates it.
    """

    episode_id: str
    patient_id: str
    encounter_id: str | None
    tier: Tier
    unit: str | None
    bed: str | None
    opened_at: datetime
    state: State
    reason: str
    score_id: str
    clearing_since: datetime | None = None
    peak: float | None = None
    policy_version: str = ""
    follows: str | None = None
    input: str = ""
    grouped_in: str | None = None
    told_at: datetime | None = None
    answered_at: datetime | None = None
    resting: bool = False


def follow(state: State, happening: Happening) -> State:
    """The state after something happened.

    >>> follow("open", "accepted"), follow("acknowledged", "accepted"), follow("resolved", "acknowledged"), follow("notified", "transferred")
    ('notified', 'acknowledged', 'resolved', 'transferred')
    """
    return TRANSITIONS.get((state, happening), state)


def score_of(episode: Episode) -> str:
    """The name of the score that raised it, and that alone clears it."""
    return episode.reason.partition(" ")[0]
