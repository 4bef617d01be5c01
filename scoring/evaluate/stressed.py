"""How much a score loses when its inputs are lost or late: spoilt stays beside the same stays as they were, on the same draws of patients."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scoring.evaluate.alerting import Outcome, alerts_of, outcome
from scoring.evaluate.bootstrap import Draws, difference, draws, told
from scoring.evaluate.course import Course, gathered
from scoring.evaluate.discrimination import areas
from scoring.evaluate.rows import MODEL, Floats, Rows
from scoring.evaluate.stress import Spoil, ways

Walk = Callable[[Sequence[Spoil]], Iterable[tuple[Sequence[Course], Sequence[Floats]]]]
"""Walks the chosen stays again, spoilt in each of these ways, with what the model says in each stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stressing:
    """`stands_for`: (P,) how many patients of the whole cohort each chosen one speaks for."""

    threshold: float
    seed: int
    stands_for: Floats
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    auroc: dict[str, Floats]
    precision: Floats
    alerts: Outcome
    silent: float


def stressed(stays: Sequence[Course], spoken: Sequence[Floats], kinds: frozenset[str], walk: Walk, asked: Stressing) -> dict[str, Any]:
    """`whole`: the chosen stays as they were; `ways`: each way to spoil them, with what the model loses by it."""
    drawn = draws(len(stays), asked.seed, stands_for=asked.stands_for)
    whole = _seen(gathered(stays, spoken), asked, drawn)
    found = []
    chosen = ways(kinds)
    for way, (again, said) in zip(chosen, walk([way.spoil for way in chosen]), strict=True):
        asked.say(way.name)
        spoilt = _seen(gathered(again, said), asked, drawn)
        found.append({"way": way.name} | _described(spoilt) | {"lost": _lost(whole, spoilt)})
    return {"patients": len(stays), "weighted": "to the whole cohort", "whole": _described(whole), "ways": found}


def _seen(rows: Rows, asked: Stressing, drawn: Draws) -> _Seen:
    ranked = {name: areas(rows, name, drawn) for name in (MODEL, "news2")}
    return _Seen(
        auroc={name: auroc for name, (auroc, _) in ranked.items()},
        precision=ranked[MODEL][1],
        alerts=outcome(rows, alerts_of(rows, MODEL, asked.threshold), drawn),
        silent=float(np.isnan(rows.scores[MODEL]).mean()),
    )


def _described(seen: _Seen) -> dict[str, Any]:
    return {
        "auroc": {name: told(values) for name, values in seen.auroc.items()},
        "auprc": told(seen.precision),
        "sensitivity_per_event": told(seen.alerts.sensitivity),
        "ppv": told(seen.alerts.ppv),
        "per_100_patient_days": told(seen.alerts.per_patient_day * 100.0, 2),
        "silent_share": round(seen.silent, 4),
    }


def _lost(whole: _Seen, spoilt: _Seen) -> dict[str, Any]:
    return {
        "auroc": {name: difference(whole.auroc[name], spoilt.auroc[name]) for name in whole.auroc},
        "sensitivity_per_event": difference(whole.alerts.sensitivity, spoilt.alerts.sensitivity),
    }
