"""The report of a simulation: the policy on patients nobody trained on, beside NEWS2's usual thresholds, and both at equal pages."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from alerts.policy_text import told
from alerts.rules import Policy
from alerts.simulate.figures import Counts, by_hour, counted, difference, drawn, summary
from alerts.simulate.replay import Paged, pages_of
from alerts.simulate.thresholds import Judged, choose, judged, lone, within_budget
from alerts.simulate.tracks import Track

USUAL: Final = (5, 7)
"""NEWS2's thresholds for an urgent and an emergency response (Royal College of Physicians, 2017, chart 4)."""
DWELL: Final = timedelta(minutes=30)
CLEAR_SHARE: Final = 0.8
"""Of the threshold, for a lone rule: as NEWS2's 4 is of 5."""
SCORE: Final = "news2"
STRICTEST: Final = 20

NOTES: Final = (
    "A page is the first of an episode; further steps of an escalation depend on answers. Nobody answers in the past: an episode stays open until its score"
    " clears it.",
    "A page is right where sepsis begins within 48 h of it or has begun; an event is met by a page in the 48 h before its onset. Other reasons to page about"
    " a patient have no label in these data and count as false.",
    "CinC 2019 has no clock: its hours of the day count from admission to intensive care. It has neither consciousness nor"
    " oxygen: NEWS2 is taken as if both were normal.",
    "Storms are not simulated: each patient's time is its own.",
)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patients:
    """`chosen_on`: whom thresholds were chosen on; `reported_on`: others, whom neither the model nor the choice has seen."""

    chosen_on: Sequence[Track]
    reported_on: Sequence[Track]


@dataclass(frozen=True, slots=True)
class _Result:
    name: str
    counts: Counts
    paged: Sequence[Sequence[Paged]]


def report(policy: Policy, model: str, patients: Patients, budget: float | None, seed: int, say: Say) -> dict[str, Any]:
    """Everything the page and the table show. `budget`: pages a day per 35 patients, for which thresholds are chosen; None: the policy as it is."""
    weights = drawn(len(patients.reported_on), seed)
    chosen = None
    policies = {f"policy {policy.editions[-1].version}": policy}
    if budget is not None:
        say(f"choosing thresholds for {budget:g} pages a day per 35 patients")
        chosen = choose(policy, model, patients.chosen_on, budget)
        if chosen is not None:
            policies[f"chosen for {budget:g} a day"] = chosen.policy
    subject = list(policies)[-1]
    usual = {f"NEWS2 ≥ {points}": _news2(points) for points in USUAL}
    say("NEWS2 and the model at equal pages")
    equal = _at_equal_pages(policies[subject], subject, model, patients.chosen_on)
    results = {name: _result(name, one, patients.reported_on) for name, one in {**policies, **usual, **equal.policies}.items()}
    return {
        "patients": {"chosen_on": len(patients.chosen_on), "reported_on": len(patients.reported_on)},
        "patient_days": round(sum(track.days for track in patients.reported_on), 1),
        "events": sum(track.onset is not None for track in patients.reported_on),
        "budget_pages_per_35_patient_days": budget,
        "chosen": None if chosen is None else _chosen(chosen, policy),
        "policies": [_told(one, patients.reported_on, weights, seed) for one in results.values()],
        "differences": [
            {"of": one, "over": other, "sensitivity_per_event": difference(results[one].counts, results[other].counts, weights)}
            for one, other in equal.pairs
        ],
        "curves": _curves(model, patients.reported_on, say),
        "notes": NOTES,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Equal:
    """Policies that page as often as others, and which pairs to compare."""

    policies: Mapping[str, Policy]
    pairs: Sequence[tuple[str, str]]


def _at_equal_pages(policy: Policy, name: str, model: str, tracks: Sequence[Track]) -> _Equal:
    """NEWS2 at the policy's pages: the lowest whole number of points that pages no more. The model at NEWS2's: alone, by a rule built as NEWS2's is."""
    found: dict[str, Policy] = {}
    pairs = []
    mine = judged(policy, tracks).pages
    for points in range(1, STRICTEST + 1):
        if judged(_news2(points), tracks).pages <= mine:
            same = f"NEWS2 ≥ {points}"
            found[same] = _news2(points)
            pairs.append((name, same))
            break
    for points in USUAL:
        pages = judged(_news2(points), tracks).pages
        lowered = within_budget(lone(model, 1.0, CLEAR_SHARE, DWELL), model, tracks, pages)
        if lowered is not None:
            as_many = f"model at the pages of NEWS2 ≥ {points}"
            found[as_many] = lowered.policy
            pairs.append((as_many, f"NEWS2 ≥ {points}"))
    return _Equal(found, pairs)


def _news2(points: int) -> Policy:
    return lone(SCORE, float(points), points - 1.0, DWELL)


def _result(name: str, policy: Policy, tracks: Sequence[Track]) -> _Result:
    paged = [pages_of(policy, track) for track in tracks]
    return _Result(name, counted(tracks, paged), paged)


def _told(result: _Result, tracks: Sequence[Track], weights: Any, seed: int) -> dict[str, Any]:
    units = {}
    for unit in sorted({track.unit for track in tracks}):
        here = [number for number, track in enumerate(tracks) if track.unit == unit]
        mine = [tracks[number] for number in here]
        units[unit] = {"patients": len(here)} | summary(counted(mine, [result.paged[number] for number in here]), drawn(len(here), seed))
    every = [page for pages in result.paged for page in pages]
    return {
        "name": result.name, "pages": len(every), "by_tier": dict(Counter(page.tier for page in every)), "by_score": dict(Counter(page.score for page in every)),
        **summary(result.counts, weights), "units": units, "hours": by_hour(tracks, result.paged),
    }  # fmt: skip


def _chosen(chosen: Judged, policy: Policy) -> dict[str, Any]:
    """What was chosen, entry by entry, and how it did where it was chosen."""
    before, after = told(policy), told(chosen.policy)
    thresholds = [
        {"tier": rule.tier, "score": rule.score, "raise_at": rule.raise_at, "clear_below": round(rule.clear_below, 6)}
        for rule in chosen.policy.editions[-1].everywhere.rules
    ]
    return {
        "changed": {name: after[name] for name in after if before.get(name) != after[name]}, "tiers": thresholds,
        "pages_per_35_patient_days_where_chosen": round(chosen.pages, 4), "sensitivity_per_event_where_chosen": round(chosen.sensitivity, 4),
    }  # fmt: skip


def _curves(model: str, tracks: Sequence[Track], say: Say) -> dict[str, list[dict[str, float]]]:
    """Pages and sensitivity of a lone rule over its thresholds, for the plot."""
    say("curves")
    highest = sorted(
        {seen.at_least for track in tracks for scores in track.scores for seen in scores if seen.name == model and seen.at_least}
    )
    picked = [highest[int(len(highest) * (1 - 0.5**power))] for power in range(3, 13) if len(highest) > 2**power]
    return {
        "news2": [_point(float(points), _news2(points), tracks) for points in range(3, 13)],
        model: [_point(one, lone(model, one, CLEAR_SHARE * one, DWELL), tracks) for one in picked],
    }


def _point(threshold: float, policy: Policy, tracks: Sequence[Track]) -> dict[str, float]:
    found = judged(policy, tracks)
    return {
        "threshold": round(threshold, 6),
        "pages_per_35_patient_days": round(found.pages, 4),
        "sensitivity_per_event": round(found.sensitivity, 4),
    }
