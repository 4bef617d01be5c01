"""An episode: one patient, one tier, from the score that raised it to its end; its states and what moves it between them, as one table."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from alerts.rules import Tier

State = Literal["open", "notified", "acknowledged", "at_bedside", "resolved", "closed"]
Happening = Literal["accepted", "acknowledged", "arrived", "cleared", "left", "merged"]

TRANSITIONS: Mapping[tuple[State, Happening], State] = MappingProxyType(
    {
        ("open", "accepted"): "notified",
        ("open", "acknowledged"): "acknowledged",
        ("notified", "acknowledged"): "acknowledged",
        ("open", "arrived"): "at_bedside",
        ("notified", "arrived"): "at_bedside",
        ("acknowledged", "arrived"): "at_bedside",
        ("open", "cleared"): "resolved",
        ("notified", "cleared"): "resolved",
        ("acknowledged", "cleared"): "resolved",
        ("at_bedside", "cleared"): "resolved",
        ("open", "left"): "closed",
        ("notified", "left"): "closed",
        ("acknowledged", "left"): "closed",
        ("at_bedside", "left"): "closed",
        ("open", "merged"): "closed",
        ("notified", "merged"): "closed",
        ("acknowledged", "merged"): "closed",
        ("at_bedside", "merged"): "closed",
    }
)
"""What is not here changes nothing: a late acceptance does not reopen, a second acknowledgement is the first."""


class Episode(Struct, frozen=True, kw_only=True):
    """`clearing_since`: when the score fell below the clearing threshold, None while it is above. `reason`: why it was raised."""

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


def follow(state: State, happening: Happening) -> State:
    """The state after something happened.

    >>> follow("open", "accepted"), follow("acknowledged", "accepted"), follow("resolved", "acknowledged")
    ('notified', 'acknowledged', 'resolved')
    """
    return TRANSITIONS.get((state, happening), state)
