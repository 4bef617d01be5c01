"""Sepsis-3: when infection was suspected, and whether SOFA rose around it. Sources: Singer et al., JAMA 2016;315:801; Seymour et al., JAMA 2016;315:762."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from scoring.published.catalogue import Outcome, Published
from scoring.published.times import instant

CULTURE_AFTER_ANTIBIOTIC: Final = timedelta(hours=24)
ANTIBIOTIC_AFTER_CULTURE: Final = timedelta(hours=72)
BEFORE, AFTER = timedelta(hours=48), timedelta(hours=24)
"""Organ dysfunction counts this long before and after the suspicion."""
RISE: Final = 2
UNKNOWN_BASELINE: Final = 0

SofaPoints = Annotated[float, Meta(ge=0, le=24, multiple_of=1)]


def suspicions(antibiotics: Sequence[datetime], cultures: Sequence[datetime]) -> list[datetime]:
    """When infection was suspected: the earlier time of each antibiotic and culture that belong together, in order, each once.

    An antibiotic is followed by its culture within 24 h, a culture by its antibiotic within 72 h, both inclusive.

    >>> noon = datetime(2026, 3, 1, 12)
    >>> suspicions([noon], [noon + timedelta(hours=24), noon - timedelta(hours=73)]) == [noon]
    True
    """
    pairs = ((given, taken) for given in antibiotics for taken in cultures)
    together = (min(given, taken) for given, taken in pairs if -ANTIBIOTIC_AFTER_CULTURE <= taken - given <= CULTURE_AFTER_ANTIBIOTIC)
    return sorted(set(together))


def organ_dysfunction(suspected: datetime, sofa: Sequence[tuple[datetime, float]], baseline: float = UNKNOWN_BASELINE) -> datetime | None:
    """When SOFA was first at least two above the baseline within the window around a suspicion; None where it was not.

    >>> noon = datetime(2026, 3, 1, 12)
    >>> organ_dysfunction(noon, [(noon - timedelta(hours=49), 6), (noon + timedelta(hours=24), 3)], baseline=1) == noon + timedelta(hours=24)
    True
    """
    return min((at for at, total in sofa if -BEFORE <= at - suspected <= AFTER and total - baseline >= RISE), default=None)


class SofaAt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A SOFA total and its time, with an offset."""

    at: str
    total: SofaPoints


class SepsisInputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times of antibiotics and of cultures (an empty list: none), SOFA totals, and the baseline (None: not known, taken as 0)."""

    antibiotics_at: tuple[str, ...] | None = None
    cultures_at: tuple[str, ...] | None = None
    sofa: tuple[SofaAt, ...] | None = None
    baseline_sofa: SofaPoints | None = None


def sepsis3(inputs: SepsisInputs) -> Outcome:
    """Every suspicion of infection, and the first that came with organ dysfunction. `total`: the highest rise of SOFA within any window.

    Raises NotATime.
    """
    missing = tuple(name for name in ("antibiotics_at", "cultures_at", "sofa") if getattr(inputs, name) is None)
    baseline = UNKNOWN_BASELINE if inputs.baseline_sofa is None else inputs.baseline_sofa
    suspected = suspicions([instant(at) for at in inputs.antibiotics_at or ()], [instant(at) for at in inputs.cultures_at or ()])
    sofa = [(instant(one.at), one.total) for one in inputs.sofa or ()]
    rises = [total - baseline for at, total in sofa if any(-BEFORE <= at - one <= AFTER for one in suspected)]
    found = ((one, organ_dysfunction(one, sofa, baseline)) for one in suspected)
    onset, dysfunction = next(((one, at) for one, at in found if at is not None), (None, None))
    return Outcome(
        total=None if missing else max(rises, default=None),
        parts={},
        missing=missing,
        told={
            "positive": None if missing else onset is not None,
            "suspected_at": suspected,
            "sepsis_suspected_at": onset,
            "organ_dysfunction_at": dysfunction,
            "baseline_sofa": baseline,
            "baseline_known": inputs.baseline_sofa is not None,
        },
    )


SCORES: Final = (
    Published(
        name="sepsis3",
        version="Singer 2016",
        source="Singer et al., JAMA 2016;315:801 (Sepsis-3); windows: Seymour et al., JAMA 2016;315:762",
        population="adults",
        lowest=-24,
        highest=24,
        needs=("antibiotics_at", "cultures_at", "sofa"),
        uses=("baseline_sofa",),
        inputs=SepsisInputs,
        outcome=sepsis3,
    ),
)
