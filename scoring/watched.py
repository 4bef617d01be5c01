"""Published scores that a policy watches beside NEWS2 and the model, computed from the rolling state; none costs anything that no policy names."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import psycopg
from msgspec.structs import replace

from scoring.observations import NAMES, VALID, observations
from scoring.published.catalogue import Outcome, scores
from scoring.published.creatinine import MOST_VALUES, CreatinineAt, RenalInputs
from scoring.published.inputs import CannotScore, Inputs
from scoring.score import Score
from scoring.sep1 import timers
from streams.features import CODE
from streams.patient import PatientState
from streams.processing import Moment
from streams.windows import latest

MORE: Final[Mapping[str, str]] = {
    "dbp_mmhg": "dbp", "map_mmhg": "map", "gcs": "gcs", "wbc_10e9_l": "wbc", "bands_pct": "bands", "paco2_mmhg": "paco2",
}  # fmt: skip
"""Inputs beyond NEWS2's, by the canonical name of what they are read from."""

OF_VITALS: Final = ("news", "mews", "qsofa", "sirs", "cart", "shock_index", "modified_shock_index")
OF_CREATININE: Final = ("kdigo_aki", "nhs_aki")
WATCHED: Final = frozenset((*OF_VITALS, *OF_CREATININE, timers.NAME))
"""Names that a policy may raise by. SOFA, PEWS and MEOWS ask for what no feed sends as such."""

TIMED: Final[Mapping[str, Callable[[PatientState, datetime], datetime | None]]] = {timers.NAME: timers.next_change}
"""Scores that time alone raises, with what says when next. The others only lose by it: their inputs grow too old, a stage is of the value it was made from."""

_CODES: Final[Mapping[str, str]] = {
    name: CODE[known] for name, known in {**NAMES, **MORE, "creatinine_mg_dl": "creatinine", "lactate_mmol_l": "lactate"}.items()
}
_VITAL_CODES: Final = frozenset(_CODES[name] for name in (*NAMES, *MORE)) | {CODE["fio2"]}
CREATININE: Final = CODE["creatinine"]

Found = tuple[Outcome, datetime]
"""What a score answers, and when its newest input was observed."""


class Scorer(Protocol):
    """Whoever scores first: NEWS2 and the model."""

    def recall(self, cursor: psycopg.Cursor, moments: Sequence[Moment]) -> None:
        """Reads what it keeps of these patients."""
        ...

    def score(self, moments: Sequence[Moment], now: datetime) -> list[Score]:
        """The scores of these moments, in order."""
        ...

    def write(self, cursor: psycopg.Cursor, scores: Sequence[Score]) -> None:
        """Writes them in the batch's transaction."""
        ...


class Watching:
    """A scorer with the watched scores after its own. `names`: asked for with every batch, because a policy may be changed while the worker runs."""

    def __init__(self, first: Scorer, names: Callable[[], Iterable[str]]) -> None:
        self._first, self._names = first, names

    def recall(self, cursor: psycopg.Cursor, moments: Sequence[Moment]) -> None:
        """As the scorer does."""
        self._first.recall(cursor, moments)

    def score(self, moments: Sequence[Moment], now: datetime) -> list[Score]:
        """The scorer's own, and each watched score for every moment whose message changed an input of it."""
        made = self._first.score(moments, now)
        names = sorted(WATCHED.intersection(self._names()))
        for moment in moments if names else ():
            made += [score for name in names if (score := watched(name, moment, now)) is not None]
        return made

    def write(self, cursor: psycopg.Cursor, scores: Sequence[Score]) -> None:
        """As the scorer does."""
        self._first.write(cursor, scores)

    @property
    def timed(self) -> bool:
        """Whether a policy asks for a score that time alone may raise."""
        return not TIMED.keys().isdisjoint(self._names())

    def next_change(self, patient: PatientState, at: datetime) -> datetime | None:
        """The first instant after `at` at which one of them changes though no message comes; None once the patient has left."""
        if patient.encounter is not None and patient.encounter.status != "open":
            return None
        found = [TIMED[name](patient, at) for name in sorted(TIMED.keys() & set(self._names()))]
        return min((one for one in found if one is not None), default=None)


def watched(name: str, moment: Moment, now: datetime) -> Score | None:
    """One watched score after one message, or at an instant that time alone made; None where that changed no input of it, or there is nothing to tell."""
    patient, at = moment.patient, moment.received_at
    try:
        found = _find(name, moment)
    except CannotScore:
        return None
    if found is None:
        return None
    outcome, as_of = found
    at_least = outcome.told.get("at_least", outcome.total)
    if at_least is None:
        return None
    return Score(
        score_id=f"{moment.source}/{name}", patient_id=patient.patient_id, encounter_id=patient.encounter.encounter_id if patient.encounter else None,
        name=name, version=scores()[name].version, value=outcome.total, at_least=float(at_least), red=False, as_of=min(as_of, at), scored_at=now,
        mode="live", parts={key: float(points) for key, points in outcome.parts.items()}, missing=outcome.missing, findings=(), at=at,
    )  # fmt: skip


def _find(name: str, moment: Moment) -> Found | None:
    if name == timers.NAME:
        return None if moment.closed else timers.overdue(moment.patient, moment.received_at)
    if name in OF_CREATININE:
        return _of_creatinine(name, moment.patient, moment.received_at) if CREATININE in moment.changed else None
    return _of_vitals(name, moment.patient, moment.received_at) if moment.changed & _VITAL_CODES else None


def _of_vitals(name: str, patient: PatientState, at: datetime) -> Found | None:
    """The newest value of each input within VALID, as NEWS2 takes it."""
    known, as_of = observations(patient, at)
    more = {key: latest(patient.readings.get(_CODES[key], ()), at, VALID) for key in MORE}
    newest = max((one.observed_at for one in more.values() if one is not None), default=as_of)
    if newest is None:
        return None
    inputs: Inputs = replace(known, sex=patient.sex, **{key: one.value_num for key, one in more.items() if one is not None})
    return scores()[name].outcome(inputs), max(newest, as_of or newest)


def _of_creatinine(name: str, patient: PatientState, at: datetime) -> Found | None:
    """The stage of the newest creatinine against those of the last year that the state holds."""
    held = [one for one in patient.readings.get(CREATININE, ()) if one.received_at <= at and one.value_num is not None][-MOST_VALUES:]
    if not held:
        return None
    taken = tuple(CreatinineAt(at=one.observed_at.isoformat(), mg_dl=one.value_num) for one in held)
    age = None if patient.birth_date is None else (at.date() - patient.birth_date).days / 365.25
    return scores()[name].outcome(RenalInputs(creatinine=taken, age_years=age, sex=patient.sex)), held[-1].observed_at
