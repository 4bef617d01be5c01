"""SEP-1 for one stay at one time: facts and now in; each element with its window and state out. Pure."""

from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from scoring.sep1.facts import Antibiotic, Facts, known_at
from scoring.sep1.manual import Manual, Window
from scoring.sep1.presentation import Presentation, first_from, present

Status = Literal["no_severe_sepsis", "severe_sepsis", "septic_shock"]
State = Literal["due", "met", "missed", "not_required", "excluded"]
Exclusion = Literal["under_18", "transferred_in", "comfort_care", "refused", "discharged", "antibiotic_before", "long_stay"]
NAMES: Final = (
    "initial_lactate", "blood_culture", "antibiotic", "repeat_lactate", "crystalloid", "vasopressor", "perfusion_assessment",
)  # fmt: skip


class Element(Struct, frozen=True, kw_only=True):
    """One element of the bundle. `counts_from` and `due_at` bound its window, both included; None where it is not asked for."""

    name: str
    state: State
    reason: str
    counts_from: datetime | None = None
    due_at: datetime | None = None
    met_at: datetime | None = None


class Assessment(Struct, frozen=True, kw_only=True):
    """Where a stay stands. `excluded`: every reason for which it is not measured; then what is not met is excluded, and no longer due.

    `missing`: what would be needed to be sure of exclusions and of the fluid.
    """

    status: Status
    severe_sepsis_at: datetime | None
    septic_shock_at: datetime | None
    excluded: tuple[Exclusion, ...]
    elements: tuple[Element, ...]
    missing: tuple[str, ...]


def assess(facts: Facts, edition: Manual, now: datetime) -> Assessment:
    """The bundle as it stands at `now`, from nothing that lies after it."""
    seen = known_at(facts, now)
    found = present(seen, edition)
    if found is None:
        elements = tuple(Element(name=name, state="not_required", reason="no_severe_sepsis") for name in NAMES)
        return Assessment(
            status="no_severe_sepsis",
            severe_sepsis_at=None,
            septic_shock_at=None,
            excluded=(),
            elements=elements,
            missing=_missing(seen, None),
        )
    excluded = exclusions(seen, found, edition, now)
    elements = (
        _initial_lactate(found, edition, now),
        _blood_culture(seen, found, edition, now),
        _antibiotic(seen, found, edition, now),
        _repeat_lactate(seen, found, edition, now),
        _crystalloid(seen, found, edition, now),
        _vasopressor(seen, found, edition, now),
        _perfusion_assessment(seen, found, edition, now),
    )
    return Assessment(
        status="severe_sepsis" if found.septic_shock_at is None else "septic_shock",
        severe_sepsis_at=found.severe_sepsis_at,
        septic_shock_at=found.septic_shock_at,
        excluded=excluded,
        elements=tuple(_unless_excluded(one, excluded) for one in elements),
        missing=_missing(seen, found),
    )


def exclusions(facts: Facts, found: Presentation, edition: Manual, now: datetime) -> tuple[Exclusion, ...]:
    """Every reason for which a stay with severe sepsis is not measured."""
    rule, severe = edition.exclusions, found.severe_sepsis_at
    comfort, left = timedelta(hours=rule.comfort_care_within_hours), timedelta(hours=rule.discharged_within_hours)
    long_before = timedelta(hours=rule.antibiotic_before_hours)
    until = facts.discharged_at or now
    holds: dict[Exclusion, bool] = {
        "under_18": facts.age_years is not None and facts.age_years < rule.youngest_years,
        "transferred_in": bool(facts.transferred_in),
        "comfort_care": facts.comfort_care_at is not None and facts.comfort_care_at - severe <= comfort,
        "refused": facts.refused_at is not None and facts.refused_at - severe <= comfort,
        "discharged": facts.discharged_at is not None and facts.discharged_at - severe <= left,
        "antibiotic_before": any(one.intravenous and severe - one.at > long_before for one in facts.antibiotics),
        "long_stay": facts.admitted_at is not None and until - facts.admitted_at > timedelta(days=rule.longest_stay_days),
    }
    return tuple(reason for reason, held in holds.items() if held)


def _unless_excluded(one: Element, excluded: tuple[Exclusion, ...]) -> Element:
    if not excluded or one.state not in {"due", "missed"}:
        return one
    return replace(one, state="excluded", reason=excluded[0])


def _timed(name: str, reason: str, begin: datetime, due: datetime, met: datetime | None, now: datetime) -> Element:
    state: State = "met" if met is not None else "due" if now <= due else "missed"
    return Element(name=name, state=state, reason=reason, counts_from=begin, due_at=due, met_at=met)


def _initial_lactate(found: Presentation, edition: Manual, now: datetime) -> Element:
    window, severe = edition.initial_lactate, found.severe_sepsis_at
    taken = None if found.initial_lactate is None else found.initial_lactate.at
    return _timed("initial_lactate", "severe_sepsis", severe - window.before, severe + window.after, taken, now)


def _blood_culture(facts: Facts, found: Presentation, edition: Manual, now: datetime) -> Element:
    """Before the first antibiotic that counts, or with it; once that is given, no later culture can make up for it."""
    window, severe = edition.blood_culture, found.severe_sepsis_at
    begin, due = severe - window.before, severe + window.after
    doses = _counted(facts, severe, edition.antibiotic)
    first = min((one.at for one in doses), default=None)
    taken = first_from(facts.blood_cultures_at, begin, due)
    if first is not None and (taken is None or taken > first):
        return Element(name="blood_culture", state="missed", reason="antibiotic_first", counts_from=begin, due_at=due)
    return _timed("blood_culture", "severe_sepsis", begin, due, taken, now)


def _antibiotic(facts: Facts, found: Presentation, edition: Manual, now: datetime) -> Element:
    window, severe = edition.antibiotic, found.severe_sepsis_at
    given = min((one.at for one in _counted(facts, severe, window) if one.broad_spectrum), default=None)
    return _timed("antibiotic", "severe_sepsis", severe - window.before, severe + window.after, given, now)


def _counted(facts: Facts, severe: datetime, window: Window) -> list[Antibiotic]:
    return [one for one in facts.antibiotics if -window.before <= one.at - severe <= window.after]


def _repeat_lactate(facts: Facts, found: Presentation, edition: Manual, now: datetime) -> Element:
    first, rule = found.initial_lactate, edition.repeat_lactate
    if first is None:
        return Element(name="repeat_lactate", state="not_required", reason="no_initial_lactate")
    if first.value <= rule.if_above_mmol_l:
        return Element(name="repeat_lactate", state="not_required", reason="initial_lactate_not_raised")
    due = found.severe_sepsis_at + timedelta(hours=rule.after_hours)
    later = (one.at for one in facts.readings if one.name == "lactate_mmol_l" and first.at < one.at <= due)
    return _timed("repeat_lactate", "initial_lactate_raised", first.at, due, min(later, default=None), now)


def _crystalloid(facts: Facts, found: Presentation, edition: Manual, now: datetime) -> Element:
    if found.fluid_from is None:
        return Element(name="crystalloid", state="not_required", reason="no_hypotension_nor_high_lactate")
    window = edition.crystalloid
    begin, due = found.fluid_from - window.before, found.fluid_from + window.after
    done = found.fluid_done_at if found.fluid_done_at is not None and found.fluid_done_at <= due else None
    reason = "hypotension_or_high_lactate" if facts.weight_kg is not None else "weight_not_known"
    return _timed("crystalloid", reason, begin, due, done, now)


def _vasopressor(facts: Facts, found: Presentation, edition: Manual, now: datetime) -> Element:
    shock = found.septic_shock_at
    if shock is None or found.hypotension_persists_at is None:
        return Element(name="vasopressor", state="not_required", reason="no_persistent_hypotension")
    begin, due = shock - edition.vasopressor.before, shock + edition.vasopressor.after
    return _timed("vasopressor", "persistent_hypotension", begin, due, first_from(facts.vasopressors_at, begin, due), now)


def _perfusion_assessment(facts: Facts, found: Presentation, edition: Manual, now: datetime) -> Element:
    shock, lactate = found.septic_shock_at, found.initial_lactate
    high = lactate is not None and lactate.value >= edition.shock.lactate_from_mmol_l
    if shock is None or (found.hypotension_persists_at is None and not high):
        return Element(name="perfusion_assessment", state="not_required", reason="no_persistent_hypotension_nor_high_lactate")
    begin, due = shock - edition.perfusion_assessment.before, shock + edition.perfusion_assessment.after
    met = first_from(facts.perfusion_assessed_at, begin, due)
    return _timed("perfusion_assessment", "high_lactate" if high else "persistent_hypotension", begin, due, met, now)


def _missing(facts: Facts, found: Presentation | None) -> tuple[str, ...]:
    needed = ["age_years", "transferred_in", "admitted_at"]
    if found is not None and found.fluid_from is not None:
        needed.append("weight_kg")
    return tuple(name for name in needed if getattr(facts, name) is None)
