"""Figures of a policy over patients: how many pages, how many right, how many events met and how early; each with an interval by patient."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from alerts.simulate.replay import Paged
from alerts.simulate.tracks import Track
from scoring.evaluate.figures import RESAMPLES, Figures

Floats = npt.NDArray[np.float64]
HORIZON: Final = timedelta(hours=48)
"""A page is right where sepsis begins within 48 h of it, or has begun; an event is met by a page in the 48 h before it. As in scoring/evaluate/figures.py."""
PER_PATIENTS: Final = 35


@dataclass(frozen=True, slots=True)
class Counts:
    """One row a patient: days watched, pages, pages that were right, events, pages that met one, and the lead of the first of these, hours (nan: none)."""

    days: Floats
    pages: Floats
    right: Floats
    events: Floats
    hits: Floats
    lead_h: Floats

    @property
    def met(self) -> Floats:
        """Events met, by one page or several."""
        return (self.hits > 0).astype(np.float64)


def counted(tracks: Sequence[Track], paged: Sequence[Sequence[Paged]]) -> Counts:
    """What a policy's pages of each patient come to."""
    rows = [_row(track, pages) for track, pages in zip(tracks, paged, strict=True)]
    return Counts(*np.array(rows, np.float64).reshape(-1, 6).T)


def _row(track: Track, pages: Sequence[Paged]) -> tuple[float, ...]:
    if track.onset is None:
        return track.days, len(pages), 0, 0, 0, np.nan
    leads = [track.onset - page.at for page in pages]
    early = [lead / timedelta(hours=1) for lead in leads if timedelta(0) <= lead <= HORIZON]
    return track.days, len(pages), sum(lead <= HORIZON for lead in leads), 1, len(early), max(early, default=np.nan)


def _ratio(part: Floats, whole: Floats, factor: float = 1.0) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, factor * part / whole, np.nan)


def pages_per_35(counts: Counts, weights: Floats) -> Floats:
    """(R, N) weights to (R,)."""
    return _ratio(weights @ counts.pages, weights @ counts.days, PER_PATIENTS)


def sensitivity(counts: Counts, weights: Floats) -> Floats:
    """Events met of all."""
    return _ratio(weights @ counts.met, weights @ counts.events)


def ppv(counts: Counts, weights: Floats) -> Floats:
    """Pages that were right of all."""
    return _ratio(weights @ counts.right, weights @ counts.pages)


def lead(quantile: float) -> Callable[[Counts, Floats], Floats]:
    """A quantile of the leads of the events met, hours."""

    def over(counts: Counts, weights: Floats) -> Floats:
        known = np.flatnonzero(~np.isnan(counts.lead_h))
        if not len(known):
            return np.full(len(weights), np.nan)
        order = known[np.argsort(counts.lead_h[known])]
        share = np.cumsum(weights[:, order], axis=1)
        place = np.argmax(share >= quantile * share[:, -1:], axis=1)
        return np.where(share[:, -1] > 0, counts.lead_h[order][place], np.nan)

    return over


FIGURES: Final[dict[str, Callable[[Counts, Floats], Floats]]] = {
    "pages_per_35_patient_days": pages_per_35, "sensitivity_per_event": sensitivity, "ppv": ppv, "lead_median_h": lead(0.5), "lead_q1_h": lead(0.25),
    "lead_q3_h": lead(0.75),
}  # fmt: skip


def drawn(patients: int, seed: int, resamples: int = RESAMPLES) -> Floats:
    """(1 + R, N): each patient once, then whole patients drawn with replacement, because a patient's hours are not independent."""
    random = np.random.default_rng(seed)
    even = np.full(patients, 1.0 / max(patients, 1))
    draws = random.multinomial(patients, even, size=resamples) if patients else np.zeros((resamples, 0))
    return np.vstack([np.ones((1, patients)), draws]).astype(np.float64)


def summary(counts: Counts, weights: Floats) -> dict[str, Figures]:
    """Every figure with its 95 % interval."""
    return {name: interval(figure(counts, weights)) for name, figure in FIGURES.items()}


def difference(one: Counts, other: Counts, weights: Floats) -> Figures:
    """By how much the first meets more of the events at as many pages, over the same draws of patients.

    Whichever pages more loses pages at random until both page as often, in each draw anew: an event that k pages met is then met with the
    probability that one of the k is left.
    """
    pages, others = weights @ one.pages, weights @ other.pages
    left = np.minimum(1.0, _ratio(others, pages)), np.minimum(1.0, _ratio(pages, others))
    return interval(thinned(one, weights, left[0]) - thinned(other, weights, left[1]))


def thinned(counts: Counts, weights: Floats, left: Floats) -> Floats:
    """Events met of all where each page is left with the probability `left`, (R,), whichever patient it is about."""
    events = np.flatnonzero(counts.events)
    met = 1.0 - (1.0 - left[:, None]) ** counts.hits[None, events]
    return _ratio(np.sum(weights[:, events] * met, axis=1), weights[:, events].sum(axis=1))


def interval(values: Floats) -> Figures:
    """The first value, and the middle 95 % of the rest."""
    known = values[1:][np.isfinite(values[1:])]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
    return {name: round(float(one), 4) if np.isfinite(one) else None for name, one in (("value", values[0]), ("low", low), ("high", high))}


def by_hour(tracks: Sequence[Track], paged: Sequence[Sequence[Paged]], held: Sequence[Sequence[Paged]]) -> list[dict[str, Any]]:
    """Pages for each hour of the day, a day per 35 patients, how many were right, and how many a storm's page spoke for."""
    hours = np.zeros(24)
    pages, right, spoken_for = np.zeros(24), np.zeros(24), Counter(page.at.hour for mine in held for page in mine)
    for track, mine in zip(tracks, paged, strict=True):
        for at in track.times:
            hours[at.hour] += 1
        for page in mine:
            pages[page.at.hour] += 1
            right[page.at.hour] += track.onset is not None and track.onset - page.at <= HORIZON
    rate, share = _ratio(pages, hours, 24.0 * PER_PATIENTS), _ratio(right, pages)
    return [
        {
            "hour": hour,
            "pages_per_35_patient_days": _plain(rate[hour]),
            "ppv": _plain(share[hour]),
            "pages": int(pages[hour]),
            "held": spoken_for[hour],
        }
        for hour in range(24)
    ]


def _plain(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
