"""The scorer handed to the worker: NEWS2 after every message that changes it, and the model for the whole batch in one request."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import psycopg

from scoring import store
from scoring.observations import CODES, NAMES, finding, observations
from scoring.published.inputs import NotForThisPatient
from scoring.published.news2 import VERSION, news2
from scoring.score import Finding, Mode, Score
from streams.features import CODE as FEATURE_CODES
from streams.features import LABS, VITALS, features
from streams.patient import PatientState
from streams.processing import Moment

MODEL_CODES: Final = frozenset(FEATURE_CODES[name] for name in (*VITALS, *LABS))
SHOWN: Final = 4
"""Findings told with a model's score: what moved most, as many as fit on a phone."""


class ModelUnavailable(Exception):
    """The model does not speak; `reason` is a metric label: `timeout`, `away`, `circuit_open`, `bad_output`, `wrong_features`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Model(Protocol):
    """Whatever turns features into probabilities; at the bedside Triton."""

    name: str
    version: str

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(N, F) to (N,) in 0..1. Raises ModelUnavailable."""
        ...


class Bedside:
    """Scores moments. A score depends on the message and the state after it, never on how messages were batched."""

    def __init__(self, model: Model, on_fallback: Callable[[str], None]) -> None:
        self._model, self._on_fallback = model, on_fallback

    def score(self, moments: Sequence[Moment], now: datetime) -> list[Score]:
        """NEWS2 and the model's score for each moment whose message changed an input of theirs, in order."""
        risks, mode = self._ask([moment for moment in moments if moment.changed & MODEL_CODES])
        scores: list[Score] = []
        for moment in moments:
            if moment.changed & CODES:
                scores.extend(_news2(moment, now, mode))
            risk = risks.get(str(moment.source))
            if risk is not None:
                scores.append(self._risk(moment, now, risk))
        return scores

    def write(self, cursor: psycopg.Cursor, scores: Sequence[Score]) -> None:
        """Writes them in the batch's transaction."""
        store.write(cursor, scores)

    def _ask(self, moments: Sequence[Moment]) -> tuple[dict[str, float], Mode]:
        if not moments:
            return {}, "live"
        matrix = np.stack([features(moment.patient, moment.received_at) for moment in moments])
        try:
            answers = self._model.probabilities(matrix)
        except ModelUnavailable as away:
            self._on_fallback(away.reason)
            return {}, "fallback"
        return {str(moment.source): float(answer) for moment, answer in zip(moments, answers, strict=True)}, "live"

    def _risk(self, moment: Moment, now: datetime, risk: float) -> Score:
        patient = moment.patient
        newest = [readings[-1].observed_at for code, readings in patient.readings.items() if code in moment.changed & MODEL_CODES]
        return Score(
            score_id=f"{moment.source}/{self._model.name}",
            patient_id=patient.patient_id,
            encounter_id=patient.encounter.encounter_id if patient.encounter else None,
            name=self._model.name,
            version=self._model.version,
            value=risk,
            at_least=risk,
            red=False,
            as_of=min(max(newest, default=moment.received_at), moment.received_at),
            scored_at=now,
            mode="live",
            parts={},
            missing=(),
            findings=_moved(patient, moment.received_at),
            at=moment.received_at,
        )


def _news2(moment: Moment, now: datetime, mode: Mode) -> list[Score]:
    patient, at = moment.patient, moment.received_at
    inputs, as_of = observations(patient, at)
    if as_of is None:
        return []
    try:
        result = news2(inputs)
    except NotForThisPatient:
        return []
    told = (finding(patient, NAMES[name], at, points) for name, points in result.parts.items() if points)
    score = Score(
        score_id=f"{moment.source}/news2",
        patient_id=patient.patient_id,
        encounter_id=patient.encounter.encounter_id if patient.encounter else None,
        name="news2",
        version=VERSION,
        value=None if result.total is None else float(result.total),
        at_least=float(result.at_least),
        red=result.red,
        as_of=min(as_of, at),
        scored_at=now,
        mode=mode,
        parts={name: float(points) for name, points in result.parts.items()},
        missing=result.missing,
        findings=tuple(one for one in told if one is not None),
        at=at,
    )
    return [score]


def _moved(patient: PatientState, at: datetime) -> tuple[Finding, ...]:
    """What changed most in 12 hours, against the size of the value: plain facts to look at, no attribution."""
    found = (finding(patient, name, at) for name in (*VITALS, "lactate", "creatinine", "wbc", "platelets"))
    changed = [one for one in found if one is not None and isinstance(one.was, float) and isinstance(one.value, float)]
    changed.sort(key=_relative_change, reverse=True)
    return tuple(changed[:SHOWN])


def _relative_change(one: Finding) -> float:
    now = one.value if isinstance(one.value, float) else 0.0
    was = one.was if isinstance(one.was, float) else now
    return abs(now - was) / max(abs(now), abs(was), 1e-6)
