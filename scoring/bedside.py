"""The scorer handed to the worker: NEWS2 after every message that changes it, and the models for the whole batch in one request each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import psycopg

from scoring import store
from scoring.explain import changed_most, findings, moved
from scoring.observations import CODES, NAMES, finding, observations, refused
from scoring.published.inputs import NotForThisPatient
from scoring.published.news2 import VERSION, news2
from scoring.quantities import quantity_of
from scoring.score import Abstention, Mode, Score
from scoring.voice import Model, ModelUnavailable, Voice
from streams.features import CODE as FEATURE_CODES
from streams.features import FEATURES, features
from streams.processing import Moment

MODEL_CODES: Final = frozenset(FEATURE_CODES[name] for name in map(quantity_of, FEATURES) if name in FEATURE_CODES)
"""A message that changes none of these leaves a model's answer as it was."""
EXPLAINED: Final = 8
"""Scores of a batch whose findings are worked out at once, the highest: some milliseconds each. The others are when somebody asks (`vigil explain`)."""

Answers = Mapping[str, float | Abstention]
Matrix = npt.NDArray[np.float32]


def _nobody(_: Abstention) -> None:
    return None


class Bedside:
    """Scores moments. A score depends on the message and the state after it, never on how messages were batched."""

    def __init__(
        self,
        live: Model | Voice | None,
        on_fallback: Callable[[str], None],
        *,
        shadows: Sequence[Voice] = (),
        on_abstained: Callable[[Abstention], None] = _nobody,
    ) -> None:
        self._live = live if live is None or isinstance(live, Voice) else Voice(model=live)
        self._shadows, self._on_fallback, self._on_abstained = shadows, on_fallback, on_abstained

    def recall(self, cursor: psycopg.Cursor, moments: Sequence[Moment]) -> None:
        """Trees keep nothing: what they ask is in the moments."""

    def score(self, moments: Sequence[Moment], now: datetime) -> list[Score]:
        """NEWS2 and the models' scores for each moment whose message changed an input of theirs, in order."""
        asked = [moment for moment in moments if moment.changed & MODEL_CODES]
        rows = {str(moment.source): features(moment.patient, moment.received_at) for moment in asked}
        matrix = np.stack(list(rows.values())) if rows else None
        live, mode = self._ask(rows, matrix)
        spoken: list[tuple[Voice, Mode, Answers]] = [] if self._live is None else [(self._live, "live", live)]
        spoken += [(voice, "shadow", _overhear(voice, rows, matrix)) for voice in self._shadows]
        scores: list[Score] = []
        explained = {(voice.model.version, key) for voice, _, answers in spoken for key in _highest(voice, answers)}
        for moment in moments:
            source = str(moment.source)
            if moment.changed & CODES:
                scores.extend(_news2(moment, now, "fallback" if isinstance(live.get(source), Abstention) else mode))
            for voice, how, answers in _in_turn(spoken, moment):
                if source in answers:
                    row = rows[source] if (voice.model.version, source) in explained else None
                    scores.append(_risk(voice, moment, now, answers[source], how, row))
        return scores

    def write(self, cursor: psycopg.Cursor, scores: Sequence[Score]) -> None:
        """Writes them in the batch's transaction."""
        store.write(cursor, scores)

    def _ask(self, rows: Iterable[str], matrix: Matrix | None) -> tuple[Answers, Mode]:
        if matrix is None:
            return {}, "live"
        if self._live is None:
            self._on_fallback("none_live")
            return {}, "fallback"
        try:
            answers = self._live.speak(matrix)
        except ModelUnavailable as away:
            self._on_fallback(away.reason)
            return {}, "fallback"
        for answer in answers:
            if isinstance(answer, Abstention):
                self._on_abstained(answer)
        return dict(zip(rows, answers, strict=True)), "live"


Spoken = Sequence[tuple[Voice, Mode, Answers]]


def _overhear(voice: Voice, rows: Iterable[str], matrix: Matrix | None) -> Answers:
    """A shadow that is silent is no fallback: nobody relies on it, and its scores are simply not there."""
    try:
        return {} if matrix is None else dict(zip(rows, voice.speak(matrix), strict=True))
    except ModelUnavailable:
        return {}


def _in_turn(spoken: Spoken, moment: Moment) -> Spoken:
    """In a pilot's units the pilot speaks and the live version is the shadow; where the pilot has no answer, the live version goes on speaking."""
    unit = moment.patient.encounter.unit if moment.patient.encounter else None
    source = str(moment.source)
    for pilot, _, answers in spoken:
        if pilot.units and unit in pilot.units and isinstance(answers.get(source), float):
            return [(voice, "live" if voice is pilot else "shadow", said) for voice, _, said in spoken]
    return spoken


def _highest(voice: Voice, answers: Answers) -> list[str]:
    """Whose findings are worked out now: who may be paged about, the highest first."""
    if voice.attribution is None:
        return []
    risks = {source: risk for source, risk in answers.items() if not isinstance(risk, Abstention) and risk >= voice.explain_from}
    return sorted(risks, key=lambda source: -risks[source])[:EXPLAINED]


def _risk(
    voice: Voice, moment: Moment, now: datetime, answer: float | Abstention, mode: Mode, row: npt.NDArray[np.float32] | None
) -> Score:
    """A shadow's score has its version in its name, so that two versions of one model may speak about one message."""
    patient, model, at = moment.patient, voice.model, moment.received_at
    newest = [readings[-1].observed_at for code, readings in patient.readings.items() if code in moment.changed & MODEL_CODES]
    risk = None if isinstance(answer, Abstention) else answer
    added = moved(voice.attribution, row, voice.names) if row is not None and voice.attribution is not None else None
    told = findings(patient, at, added) if added is not None else changed_most(patient, at) if risk is not None else ()
    return Score(
        score_id=f"{moment.source}/{model.name}" + (f"@{model.version}" if mode == "shadow" else ""),
        patient_id=patient.patient_id,
        encounter_id=patient.encounter.encounter_id if patient.encounter else None,
        name=model.name,
        version=model.version,
        value=risk,
        at_least=risk,
        red=False,
        as_of=min(max(newest, default=at), at),
        scored_at=now,
        mode=mode,
        parts={},
        missing=(),
        findings=told,
        at=at,
        abstained=answer if isinstance(answer, Abstention) else None,
        moved=added,
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
        refused=refused(patient, at),
    )
    return [score]
