"""`vigil explain` of the network's score: its steps taken again from the facts known then, and what moved it."""

from datetime import datetime
from math import isclose, isnan
from typing import Any

import msgspec
import psycopg

from infra.main.cli import NO, NOT_THERE, Trouble
from infra.settings import Settings
from scoring.explain import findings
from scoring.integrated import integrated
from scoring.models.metadata import versions
from scoring.models.sequence.metadata import sequence_metadata
from scoring.models.sequence.step import NAMES
from scoring.models.sequence.whole import NotWeights, Whole
from scoring.rebuilt import hours_of
from scoring.served import repository_of
from scoring.triton import seal
from scoring.words import words
from streams import as_of

CLOSE = 1e-5
"""How far apart two probabilities of the same model may lie: other batch sizes sum in another order."""


def network(cursor: psycopg.Cursor, settings: Settings, score: dict[str, Any]) -> dict[str, Any]:
    """As of any score. `moved` are log odds of the worth by quantity, which with `base` (the same stay with typical values, measured at the same
    times) sum to `raw` but for `missed`."""
    at = datetime.fromisoformat(score["explanation"]["at"])
    whole, told = _weights(settings, score["version"])
    nobody, merged, facts = as_of.recorded(cursor, score["patient_id"])
    then = [one for one in facts if one.processed_at is None or one.processed_at <= score["scored_at"]]
    known = as_of.known(then, as_of.known_as(score["patient_id"], merged, score["scored_at"]), at)
    hours = hours_of(nobody, known)
    if not hours:
        raise Trouble("the score cannot be computed from what is kept", "the facts behind it may have been retired: vigil settings", NO)
    risks, worth = whole.answer(hours)
    why = integrated(whole, hours)
    found = findings(as_of.state(nobody, known), at, why.moved)
    places = {
        f"{task}_{hours_ahead:g}h": (row, column)
        for row, task in enumerate(told.tasks)
        for column, hours_ahead in enumerate(told.horizons_h)
    }
    parts = {name: round(float(risks[places[name]]), 6) for name in score["explanation"]["parts"]}
    same = isclose(score["value"], worth, abs_tol=CLOSE) and all(
        isclose(value, parts[name], abs_tol=CLOSE) for name, value in score["explanation"]["parts"].items()
    )
    values = hours[-1].step.values.tolist()
    return {
        "score_id": score["score_id"], "patient_id": score["patient_id"], "name": score["name"], "version": score["version"], "at": at, "matches": same,
        "inputs": {name: value for name, value in zip(NAMES, values, strict=True) if not isnan(value)}, "steps": len(hours),
        "output": {"value": score["value"], "at_least": score["at_least"], "red": score["red"], "parts": score["explanation"]["parts"]},
        "recomputed": {"value": worth, "at_least": worth, "red": False, "parts": parts}, "recomputed_version": whole.version, "abstained": None,
        "refused": [], "findings": msgspec.to_builtins(found), "words": [words(one) for one in found], "moved": why.moved, "base": why.base,
        "raw": why.log_odds, "missed": why.missed,
    }  # fmt: skip


def _weights(settings: Settings, version: str) -> tuple[Whole, Any]:
    """Of the version that made the score. Raises Trouble where it is no longer there, or not what was sealed."""
    folder = repository_of(settings.triton) / settings.triton.sequence
    for number in versions(repository_of(settings.triton), settings.triton.sequence):
        if seal.version_of(folder / number) == version:
            try:
                seal.checked(folder / number)
                return Whole(folder / number / "weights.npz"), sequence_metadata(folder / number)
            except (seal.Refused, NotWeights) as refused:
                raise Trouble(
                    f"{settings.triton.sequence}/{number} is refused: {refused}", "add it anew: vigil model add RUN --number N", NO
                ) from refused
    raise Trouble(f"{settings.triton.sequence} {version} is no longer in the repository", "see what is: vigil model list", NOT_THERE)
