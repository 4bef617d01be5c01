"""Patients of the past laid out in the beds of wards on one clock, so that raises that come in storms are told together as at the bedside."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from heapq import heapify, heapreplace
from random import Random
from typing import Final

from alerts.rules import Policy, Storms, Tier
from alerts.simulate.figures import PER_PATIENTS
from alerts.simulate.replay import Paged
from alerts.simulate.tracks import Track
from alerts.storms import Kind, Raise, counted, place_of, storm

ANSWERED_AFTER: Final = timedelta(minutes=5)
"""Before the first page of a storm would escalate (10 min by infra/main/demo_oncall.toml). Who joins it later has a page of their own after the hold."""
OPENED: Final = datetime(2019, 1, 1, tzinfo=UTC)
"""When the wards take their first patients; any day will do."""


@dataclass(frozen=True, slots=True)
class Told:
    """What leaves, and what does not because a storm's page speaks for it; both by patient, as `tracks` are. A storm's page is the first one of the storm."""

    paged: Sequence[Sequence[Paged]]
    held: Sequence[Sequence[Paged]]


def told_together(policy: Policy, tracks: Sequence[Track], paged: Sequence[Sequence[Paged]], seed: int, *, answers: bool = True) -> Told:
    """`paged`: what each patient's pages would be if there were no others. Without `answers` a storm's page speaks for nobody for longer than the hold."""
    begins = admissions(tracks, seed)
    order = sorted(
        (begins[row] + (page.at - tracks[row].times[0]), row, place) for row, mine in enumerate(paged) for place, page in enumerate(mine)
    )
    left: list[list[Paged]] = [[] for _ in tracks]
    held: list[list[Paged]] = [[] for _ in tracks]
    hospital = _Hospital()
    for at, row, place in order:
        page, unit = paged[row][place], tracks[row].circumstances.unit
        limits = policy.rules_for(unit, page.at).storms
        if limits is None or page.again:  # as at the bedside, what is told anew is no new raise
            left[row].append(page)
            continue
        answered = hospital.raised(limits, page.tier, Raise(at, tracks[row].patient_id, unit, page.input))
        if answered is None:
            left[row].append(page)
        elif answered and answers:
            held[row].append(page)
        else:
            left[row].append(replace(page, at=page.at + limits.hold))
    return Told(left, held)


def admissions(tracks: Sequence[Track], seed: int) -> list[datetime]:
    """When each patient comes: each unit is a ward of 35 beds, taken at random minutes of the first day; whose bed falls free is followed within the hour."""
    random = Random(seed)  # noqa: S311, no secret
    beds: dict[str, list[datetime]] = {}
    begins = [OPENED] * len(tracks)
    for row in random.sample(range(len(tracks)), len(tracks)):
        track = tracks[row]
        if track.unit not in beds:
            beds[track.unit] = [OPENED + timedelta(days=random.random()) for _ in range(PER_PATIENTS)]
            heapify(beds[track.unit])
        begins[row] = beds[track.unit][0]
        stays = track.times[-1] - track.times[0] + timedelta(hours=1 + random.random())
        heapreplace(beds[track.unit], begins[row] + stays)
    return begins


@dataclass(slots=True)
class _Storm:
    answered_at: datetime
    over_at: datetime


class _Hospital:
    """The raises of all wards, in order of time."""

    def __init__(self) -> None:
        self._lately: deque[Raise] = deque()
        self._storms: dict[tuple[Tier, Kind, str | None], _Storm] = {}

    def raised(self, limits: Storms, tier: Tier, this: Raise) -> bool | None:
        """None where it is paged at once, alone or as the storm's first; else whether it is among those that the answer to the storm's page is for."""
        far = max(limits.within, limits.bed_within)
        while self._lately and self._lately[0].at <= this.at - far:
            self._lately.popleft()
        kind = storm(limits, tier, counted(limits, this, self._lately))
        self._lately.append(this)
        if kind is None:
            return None
        place = (tier, kind, place_of(kind, this.patient_id, this.unit, this.input))
        blowing = self._storms.get(place)
        if blowing is None or blowing.over_at <= this.at:
            self._storms[place] = _Storm(this.at + ANSWERED_AFTER, this.at + limits.hold)
            return None
        blowing.over_at = max(blowing.over_at, this.at + limits.hold)
        return this.at <= blowing.answered_at
