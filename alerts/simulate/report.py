"""The report of a simulation: the policy on patients nobody trained on, beside NEWS2's usual thresholds, and both at as many pages."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alerts.policy_text import told
from alerts.rules import Policy
from alerts.simulate.equal_pages import (
    MODEL_DAILY,
    MODEL_SHAPES,
    NEWS2,
    NEWS2_DAILY,
    NEWS2_SHAPES,
    BestOfModel,
    BestOfNews2,
    usual,
    usual_model,
    words,
)  # fmt: skip
from alerts.simulate.figures import Counts, by_hour, counted, difference, drawn, summary
from alerts.simulate.replay import pages_of
from alerts.simulate.thresholds import Judged, choose, judged
from alerts.simulate.tracks import Track
from alerts.simulate.wards import Told, told_together

USUAL: Final = (7, 5)
"""NEWS2's thresholds for an emergency and an urgent response (Royal College of Physicians, 2017, chart 4)."""
STRICTEST: Final = 20

NOTES: Final = (
    "A page is the first of an episode; further steps of an escalation depend on people. Somebody acknowledges each within the hour, unless said otherwise; an"
    " episode stays open until its score clears it, and is told anew where the policy says so.",
    "At as many pages: whichever of two sends more loses pages at random until both send as many, anew in each draw of patients.",
    "A page is right where sepsis begins within 48 h of it or has begun; an event is met by a page in the 48 h before its onset. Other reasons to page about"
    " a patient have no label in these data and count as false.",
    "CinC 2019 has no clock: its hours of the day count from admission to intensive care. It has neither consciousness nor"
    " oxygen: NEWS2 is taken as if both were normal.",
    "For storms each unit is a ward of 35 beds that fill at random minutes. A storm's page counts as the page of the patient who began it; who joined it by the"
    " time it is answered has none, and an event of theirs counts as missed. Thresholds are chosen without storms.",
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
    told: Told


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
    usually = {f"NEWS2 ≥ {points}": usual(points) for points in USUAL}
    say("NEWS2 and the model at as many pages")
    equal = _at_equal_pages(policies[subject], subject, model, patients.chosen_on)
    results = {name: _result(name, one, patients.reported_on, seed) for name, one in {**policies, **usually, **equal.policies}.items()}
    unanswered = _result(f"{subject}, if nobody answers", policies[subject], patients.reported_on, seed, answers=False)
    return {
        "patients": {"chosen_on": len(patients.chosen_on), "reported_on": len(patients.reported_on)},
        "patient_days": round(sum(track.days for track in patients.reported_on), 1),
        "events": sum(track.onset is not None for track in patients.reported_on),
        "budget_pages_per_35_patient_days": budget,
        "chosen": None if chosen is None else _chosen(chosen, policy),
        "policies": [_told(one, patients.reported_on, weights, seed) for one in (*results.values(), unanswered)],
        "differences": [
            {"of": one, "over": other, "sensitivity_per_event": difference(results[one].counts, results[other].counts, weights)}
            for one, other in equal.pairs
        ],
        "shapes": equal.says,
        "curves": _curves(model, patients.reported_on, say),
        "notes": NOTES,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Equal:
    """Policies to compare at as many pages, which with which, and what was chosen of each."""

    policies: Mapping[str, Policy]
    pairs: Sequence[tuple[str, str]]
    says: Mapping[str, str]


def _at_equal_pages(policy: Policy, name: str, model: str, tracks: Sequence[Track]) -> _Equal:
    """The policy beside NEWS2, at its own pages: the lowest whole number of points that pages no more, and the usual ones thinned. The model beside NEWS2
    alone, at the pages of each usual threshold: as usual, and each by the shape of rule that does best there; and so if what is answered were told daily."""
    found: dict[str, Policy] = {}
    says: dict[str, str] = {}
    mine = judged(policy, tracks).pages
    points = next(one for one in range(1, STRICTEST + 1) if one == STRICTEST or judged(usual(one), tracks).pages <= mine)
    found[f"NEWS2 ≥ {points}"] = usual(points)
    pairs = [(name, f"NEWS2 ≥ {one}") for one in dict.fromkeys((points, *USUAL))]
    usually = {points: judged(usual(points), tracks).pages for points in USUAL}
    for manner, model_shapes, news2_shapes in (("", MODEL_SHAPES, NEWS2_SHAPES), (", told daily,", MODEL_DAILY, NEWS2_DAILY)):
        best_model, best_news2 = BestOfModel(model, tracks, model_shapes), BestOfNews2(tracks, news2_shapes)
        for points, pages in usually.items():
            one, other = (f"{who}{manner} for the pages of NEWS2 ≥ {points}" for who in ("model", "NEWS2 at its best"))
            found |= {one: best_model.at(pages).policy, other: best_news2.at(pages).policy}
            says |= {name: words(found[name]) for name in (one, other)}
            pairs += [(one, f"NEWS2 ≥ {points}"), (one, other)]
    return _Equal(found, pairs, says)


def _result(name: str, policy: Policy, tracks: Sequence[Track], seed: int, *, answers: bool = True) -> _Result:
    paged = [pages_of(policy, track, answers=answers) for track in tracks]
    told = told_together(policy, tracks, paged, seed, answers=answers)
    return _Result(name, counted(tracks, told.paged), told)


def _told(result: _Result, tracks: Sequence[Track], weights: Any, seed: int) -> dict[str, Any]:
    units = {}
    for unit in sorted({track.unit for track in tracks}):
        here = [number for number, track in enumerate(tracks) if track.unit == unit]
        mine = [tracks[number] for number in here]
        held = sum(len(result.told.held[number]) for number in here)
        told = counted(mine, [result.told.paged[number] for number in here])
        units[unit] = {"patients": len(here), "held": held} | summary(told, drawn(len(here), seed))
    every = [page for pages in result.told.paged for page in pages]
    return {
        "name": result.name, "pages": len(every), "held": sum(map(len, result.told.held)), "by_tier": dict(Counter(page.tier for page in every)),
        "by_score": dict(Counter(page.score for page in every)), "by_reason": dict(Counter(page.reason for page in every)),
        **summary(result.counts, weights), "units": units, "hours": by_hour(tracks, result.told.paged, result.told.held),
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
        NEWS2: [_point(float(points), usual(points), tracks) for points in range(3, 13)],
        model: [_point(one, usual_model(model, one), tracks) for one in picked],
    }


def _point(threshold: float, policy: Policy, tracks: Sequence[Track]) -> dict[str, float]:
    found = judged(policy, tracks)
    return {
        "threshold": round(threshold, 6),
        "pages_per_35_patient_days": round(found.pages, 4),
        "sensitivity_per_event": round(found.sensitivity, 4),
    }
