"""What a model is asked to foresee: for each task who is at risk, when a row is masked (nan), what makes it 1, and when the event itself begins. Pure.

`sepsis` alone comes labelled (CinC 2019: 1 from 6 hours before onset on); the others are made here from what became of the patient.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import inf, isnan, nan
from typing import Final

from scoring.published.creatinine import MG_DL, Taken, to_precision
from scoring.published.kdigo import creatinine_stages

SEPSIS: Final = "sepsis"
DEATH: Final = "death"
DEATH_24H: Final = "death_24h"
AKI: Final = "aki"
SUPPORT: Final = "support"
DETERIORATION: Final = "deterioration"

DAY: Final = timedelta(hours=24)
AKI_HORIZON: Final = timedelta(hours=48)
SUPPORT_HORIZON: Final = timedelta(hours=12)
ARRIVAL: Final = timedelta(hours=4)
"""What is charted in the first hours of a stay was begun before it or with it: it says how the patient came, not that the patient got worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a patient, as the data set tells it afterwards. None where it does not tell.

    `creatinine`: (when it was drawn, mg/dL), in order of time. `vasopressors_at`, `ventilation_at`: the first sign of each, None where there was
    none; meaningless unless `support_known`. `chronic_dialysis`: creatinine says nothing of an acute injury then.
    """

    began_at: datetime
    died_in_hospital: bool | None = None
    died_at: datetime | None = None
    creatinine: Sequence[tuple[datetime, float]] = ()
    chronic_dialysis: bool = False
    vasopressors_at: datetime | None = None
    ventilation_at: datetime | None = None
    support_known: bool = False


Labels = list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task. `labels`: one for each time, in order, from what became of the patient; `onset`: when the event began, None where it never did.

    `horizon`: how far a label looks ahead, None for the whole stay. `shortest`: how far that of the part looks which looks least far ahead.
    """

    name: str
    horizon: timedelta | None
    shortest: timedelta | None
    at_risk: str
    labels: Callable[[Outcome, Sequence[datetime]], Labels]
    onset: Callable[[Outcome], datetime | None]

    @property
    def horizon_h(self) -> float:
        """`horizon` in hours; an alert of the whole stay is right whenever the event comes."""
        return _hours(self.horizon)

    @property
    def silence_h(self) -> float:
        """So many hours after an alert none is raised: the longest silence in which no event can begin and end its window unheard.

        A score that is high all through an event's window is then sure to alert in it, however long it has been high, as one that rises and falls is.
        Silence shorter than the window: Hyland et al., Nat Med 2020;26:364 (an alarm silences 30 minutes, the window before an event has 8 hours).
        """
        return _hours(self.shortest)


def _hours(span: timedelta | None) -> float:
    return inf if span is None else span.total_seconds() / 3600.0


def within(onset: datetime | None, at: datetime, horizon: timedelta) -> float:
    """Whether the event begins after `at` and at most the horizon later.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> [within(noon + timedelta(hours=hour), noon, DAY) for hour in (0, 1, 24, 25)]
    [0.0, 1.0, 1.0, 0.0]
    """
    return float(onset is not None and at < onset <= at + horizon)


def death(outcome: Outcome, times: Sequence[datetime]) -> Labels:
    """At risk: everybody, the whole stay. Masked: where the set does not say how the hospital stay ended."""
    label = nan if outcome.died_in_hospital is None else float(outcome.died_in_hospital)
    return [label] * len(times)


def death_onset(outcome: Outcome) -> datetime | None:
    """The death itself."""
    return outcome.died_at if outcome.died_in_hospital else None


def death_24h(outcome: Outcome, times: Sequence[datetime]) -> Labels:
    """1: dies in hospital within 24 hours. Masked: the end of the stay or the time of death is not known."""
    unknown = outcome.died_in_hospital is None or (outcome.died_in_hospital and outcome.died_at is None)
    return [nan if unknown else within(death_onset(outcome), at, DAY) for at in times]


def aki_onset(outcome: Outcome) -> datetime | None:
    """When the creatinine of the first KDIGO stage ≥ 1 was drawn (creatinine criteria, rolling baseline of the stay)."""
    if outcome.chronic_dialysis:
        return None
    taken = [
        Taken(place=place, at=at, value=to_precision(Decimal(str(value))), inpatient=True)
        for place, (at, value) in enumerate(outcome.creatinine)
    ]
    return next((one.taken.at for one in creatinine_stages(taken, MG_DL) if one.stage >= 1), None)


def aki(outcome: Outcome, times: Sequence[datetime]) -> Labels:
    """1: KDIGO stage ≥ 1 within 48 hours. At risk: from the first creatinine to the onset, never on chronic dialysis.

    Masked besides: no creatinine in the 48 hours to come, so that nobody can say.
    """
    onset, drawn = aki_onset(outcome), [at for at, _ in outcome.creatinine]
    found: Labels = []
    for at in times:
        at_risk = bool(drawn) and not outcome.chronic_dialysis and drawn[0] <= at and (onset is None or at < onset)
        label = within(onset, at, AKI_HORIZON)
        told = label == 1.0 or any(at < one <= at + AKI_HORIZON for one in drawn)
        found.append(label if at_risk and told else nan)
    return found


def support(outcome: Outcome, times: Sequence[datetime]) -> Labels:
    """1: vasopressors or mechanical ventilation begin within 12 hours. At risk: of each, whoever is not on it and has not been.

    Who came with one, or is on it, is at risk of the other alone. Masked: at risk of neither; the set does not tell of treatment.
    """
    starts = (outcome.vasopressors_at, outcome.ventilation_at)
    return [_support_at(starts, at, outcome.began_at) if outcome.support_known else nan for at in times]


def _support_at(starts: Sequence[datetime | None], at: datetime, began_at: datetime) -> float:
    labels = [within(start, at, SUPPORT_HORIZON) for start in starts if start is None or (at < start and start > began_at + ARRIVAL)]
    return max(labels) if labels else nan


def support_onset(outcome: Outcome) -> datetime | None:
    """The first start after arrival."""
    starts = [start for start in (outcome.vasopressors_at, outcome.ventilation_at) if start and start > outcome.began_at + ARRIVAL]
    return min(starts) if outcome.support_known and starts else None


_PARTS: Final = (death_24h, aki, support)


def deterioration(outcome: Outcome, times: Sequence[datetime]) -> Labels:
    """1: death within 24 h, AKI within 48 h, or vasopressors or ventilation begun within 12 h. At risk: of any of them. Masked: of none."""
    parts = zip(*(part(outcome, times) for part in _PARTS), strict=True)
    return [max((label for label in row if not isnan(label)), default=nan) for row in parts]


def deterioration_onset(outcome: Outcome) -> datetime | None:
    """The first of its parts."""
    return min((at for at in (death_onset(outcome), aki_onset(outcome), support_onset(outcome)) if at is not None), default=None)


TASKS: Final[Mapping[str, Task]] = {
    task.name: task
    for task in (
        Task(name=DEATH, horizon=None, shortest=None, at_risk="every patient, the whole stay", labels=death, onset=death_onset),
        Task(name=DEATH_24H, horizon=DAY, shortest=DAY, at_risk="every patient whose time of death is known if they died", labels=death_24h, onset=death_onset),
        Task(name=AKI, horizon=AKI_HORIZON, shortest=AKI_HORIZON, at_risk="from the first creatinine to KDIGO stage 1, no chronic dialysis", labels=aki, onset=aki_onset),
        Task(name=SUPPORT, horizon=SUPPORT_HORIZON, shortest=SUPPORT_HORIZON, at_risk="of vasopressors and of ventilation, whoever has not been on it", labels=support, onset=support_onset),
        Task(
            name=DETERIORATION, horizon=AKI_HORIZON, shortest=SUPPORT_HORIZON, at_risk="whoever is at risk of death within 24 h, AKI or support", labels=deterioration,
            onset=deterioration_onset,
        ),
    )
}  # fmt: skip
"""Those that are made from outcomes, by name."""


def all_labels(outcome: Outcome, times: Sequence[datetime]) -> dict[str, Labels]:
    """Every task's labels at these times."""
    return {name: task.labels(outcome, times) for name, task in TASKS.items()}


def all_onsets(outcome: Outcome) -> dict[str, datetime]:
    """When each task's event began, for those whose event came."""
    found = {name: task.onset(outcome) for name, task in TASKS.items()}
    return {name: at for name, at in found.items() if at is not None}
