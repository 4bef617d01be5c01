"""What the sequence model is to tell at each step: for each task whether its event comes within each interval ahead, and what an alarm earns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from scoring.evaluate.utility import LABEL_LEAD_H, gains
from scoring.models.tasks import AKI, DEATH, SEPSIS, SUPPORT

Floats = npt.NDArray[np.float32]

TASKS: Final = (SEPSIS, DEATH, AKI, SUPPORT)
HORIZONS_H: Final = (2.0, 4.0, 6.0, 12.0, 24.0, 48.0)
"""Ends of the intervals ahead; the first begins now. 6 h is the challenge's horizon, 48 h that of KDIGO's creatinine rise."""

STATES: Final = frozenset({SEPSIS})
"""Tasks whose event begins a state that goes on being worth telling: after it the first interval holds it. The others end with their event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """One task of one patient, in hours since the first step: when the event came (inf where it did not), until when that is known,
    and from when on the patient is at risk of it."""

    event_h: float
    followed_h: float
    from_h: float = -np.inf


def intervals(hours: Sequence[float] | Floats, onset: Onset | None, task: str) -> tuple[Floats, Floats]:
    """Discrete-time survival targets of one task: did it come in the interval, and may the interval be judged; both (T, horizons).

    An interval is judged where nothing came before it and either the event lies in it or it was seen to its end.
    Source: Singer and Willett, J Educ Stat 1993;18:155.
    """
    ends = np.array(HORIZONS_H)
    starts = np.concatenate([[0.0], ends[:-1]])
    nothing = np.zeros((len(hours), len(ends)), np.float32)
    if onset is None:
        return nothing, nothing.copy()
    at = np.asarray(hours, dtype=np.float64)[:, None]
    lead = onset.event_h - at
    gone = lead <= 0
    if task in STATES:
        lead = np.where(gone, ends[0] / 2, lead)
        gone = np.zeros_like(gone)
    came = (lead > starts) & (lead <= ends)
    judged = (lead > starts) & ~gone & (at >= onset.from_h) & (came | (at + ends <= onset.followed_h))
    return came.astype(np.float32), judged.astype(np.float32)


def sepsis_2019(hours: Sequence[float], labels: Sequence[float]) -> tuple[Onset | None, Floats]:
    """The challenge's labels as an onset, and the gain of an alarm over silence at each row (T,), NaN where nothing is labelled."""
    if not len(labels) or np.isnan(labels).any():
        return None, np.full(len(hours), np.nan, np.float32)
    alarm, silence = gains(labels, len(labels))
    septic = np.flatnonzero(np.asarray(labels) > 0)
    event_h = float(hours[int(septic[0])]) + LABEL_LEAD_H if len(septic) else np.inf
    followed_h = float(hours[-1]) + LABEL_LEAD_H  # the last row's label already tells of the six hours after it
    return Onset(event_h=event_h, followed_h=followed_h), (alarm - silence).astype(np.float32)
