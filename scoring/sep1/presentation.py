"""When severe sepsis and septic shock presented: SEP-1's times zero. Facts are those known by now, in order of time."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from scoring.sep1.facts import Facts, Reading
from scoring.sep1.manual import Manual

Kind = Literal["infection", "sirs", "organ"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One thing that speaks for severe sepsis, at its time."""

    at: datetime
    kind: Kind
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """The times zero, each None where it has not come, and what came before shock and asks for fluid.

    `initial_lactate`: the one that counts. `fluid_from`: since when 30 mL/kg is asked for. `fluid_done_at`: when it was in.
    """

    severe_sepsis_at: datetime
    initial_lactate: Reading | None
    fluid_from: datetime | None
    fluid_done_at: datetime | None
    hypotension_persists_at: datetime | None
    septic_shock_at: datetime | None


def criteria(facts: Facts, edition: Manual) -> list[Criterion]:
    """Everything that speaks for severe sepsis, in order of time."""
    found = [Criterion(at=at, kind="infection", name="infection") for at in facts.infection_at]
    found += [Criterion(at=at, kind="organ", name="ventilation") for at in facts.ventilated_at]
    for one in facts.readings:
        if one.explained:
            continue
        if sirs := _sirs(one, edition):
            found.append(Criterion(at=one.at, kind="sirs", name=sirs))
        if _organ(one, edition):
            found.append(Criterion(at=one.at, kind="organ", name=one.name))
    return sorted(found, key=lambda one: one.at)


def severe_sepsis_at(facts: Facts, edition: Manual) -> datetime | None:
    """The first moment at which infection, SIRS and organ dysfunction had all come within six hours, or was documented."""
    within = timedelta(hours=edition.severe_sepsis.within_hours)
    recent: deque[Criterion] = deque()
    seen: Counter[tuple[Kind, str]] = Counter()
    for last in criteria(facts, edition):
        recent.append(last)
        seen[last.kind, last.name] += 1
        while last.at - recent[0].at > within:
            old = recent.popleft()
            seen[old.kind, old.name] -= 1
        kinds = Counter(kind for (kind, _), number in seen.items() if number)
        if kinds["infection"] and kinds["organ"] and kinds["sirs"] >= edition.severe_sepsis.sirs_needed:
            return min(last.at, facts.severe_sepsis_documented_at or last.at)
    return facts.severe_sepsis_documented_at


def present(facts: Facts, edition: Manual) -> Presentation | None:
    """The times of one stay; None where there is no severe sepsis. Documented shock is severe sepsis too."""
    severe = min((at for at in (severe_sepsis_at(facts, edition), facts.septic_shock_documented_at) if at is not None), default=None)
    if severe is None:
        return None
    lactate = initial_lactate(facts, severe, edition)
    high = lactate.at if lactate is not None and lactate.value >= edition.shock.lactate_from_mmol_l else None
    hypotensive = initial_hypotension_at(facts, severe, edition)
    documented = facts.septic_shock_documented_at
    fluid_from = min((at for at in (hypotensive, high, documented) if at is not None), default=None)
    done = None if fluid_from is None else fluid_done_at(facts, fluid_from, edition)
    persists = None if done is None else hypotension_persists_at(facts, done, edition)
    shock = min((at for at in (high, persists, documented) if at is not None), default=None)
    return Presentation(
        severe_sepsis_at=severe,
        initial_lactate=lactate,
        fluid_from=fluid_from,
        fluid_done_at=done,
        hypotension_persists_at=persists,
        septic_shock_at=None if shock is None else max(severe, shock),
    )


def initial_lactate(facts: Facts, severe: datetime, edition: Manual) -> Reading | None:
    """Of the lactates in the window the highest up to time zero; where there is none, the first after it."""
    window = edition.initial_lactate
    found = [one for one in facts.readings if one.name == "lactate_mmol_l" and -window.before <= one.at - severe <= window.after]
    before = [one for one in found if one.at <= severe]
    if before:
        return max(before, key=lambda one: one.value)
    return found[0] if found else None


def low_pressures(facts: Facts, edition: Manual) -> list[tuple[datetime, bool]]:
    """Each time a pressure was taken, and whether it was low."""
    pressures = [one for one in facts.readings if one.name in {"sbp_mmhg", "map_mmhg"} and not one.explained]
    times = sorted({one.at for one in pressures})
    low = {one.at for one in pressures if _organ(one, edition)}
    return [(at, at in low) for at in times]


def initial_hypotension_at(facts: Facts, severe: datetime, edition: Manual) -> datetime | None:
    """When hypotension around time zero was confirmed by a second low reading; they need not follow one another."""
    rule = edition.initial_hypotension
    around, apart = timedelta(hours=rule.around_hours), timedelta(hours=rule.within_hours)
    low = [at for at, is_low in low_pressures(facts, edition) if is_low and -around <= at - severe <= around]
    last = rule.readings - 1
    return next((low[number + last] for number in range(len(low) - last) if low[number + last] - low[number] <= apart), None)


def hypotension_persists_at(facts: Facts, fluid_done: datetime, edition: Manual) -> datetime | None:
    """When low readings had followed one another within the hour after the fluid was in."""
    within, needed = timedelta(hours=edition.shock.persistent_within_hours), edition.shock.persistent_readings
    run = 0
    for at, is_low in low_pressures(facts, edition):
        if not timedelta(0) <= at - fluid_done <= within:
            continue
        run = run + 1 if is_low else 0
        if run == needed:
            return at
    return None


def fluid_done_at(facts: Facts, fluid_from: datetime, edition: Manual) -> datetime | None:
    """When 30 mL/kg of crystalloid were in, of what was given from six hours before; None while they are not, or the weight is not known."""
    if facts.weight_kg is None:
        return None
    needed = edition.shock.fluid_ml_per_kg * facts.weight_kg
    given = 0.0
    for one in facts.crystalloids:
        if one.at >= fluid_from - edition.crystalloid.before:
            given += one.ml
            if round(given, 4) >= round(needed, 4):
                return one.at
    return None


def _sirs(one: Reading, edition: Manual) -> str | None:
    """The criterion a value meets; white cells and bands are one."""
    limits, value = edition.sirs, one.value
    match one.name:
        case "temp_c":
            met = value > limits.temp_above_c or value < limits.temp_below_c
        case "hr_per_min":
            met = value > limits.hr_above_per_min
        case "rr_per_min":
            met = value > limits.rr_above_per_min
        case "wbc_10e9_l":
            met = value > limits.wbc_above_10e9_l or value < limits.wbc_below_10e9_l
        case "bands_pct":
            met = value > limits.bands_above_pct
        case _:
            met = False
    if not met:
        return None
    return "white_cells" if one.name in {"wbc_10e9_l", "bands_pct"} else one.name


def _organ(one: Reading, edition: Manual) -> bool:
    limits = edition.organ_dysfunction
    below = {
        "sbp_mmhg": limits.sbp_below_mmhg, "map_mmhg": limits.map_below_mmhg, "urine_ml_kg_h": limits.urine_below_ml_kg_h,
        "platelets_10e9_l": limits.platelets_below_10e9_l,
    }  # fmt: skip
    above = {
        "creatinine_mg_dl": limits.creatinine_above_mg_dl, "bilirubin_mg_dl": limits.bilirubin_above_mg_dl, "inr": limits.inr_above,
        "aptt_s": limits.aptt_above_s, "lactate_mmol_l": limits.lactate_above_mmol_l,
    }  # fmt: skip
    if one.name in below:
        return one.value < below[one.name]
    return one.name in above and one.value > above[one.name]


def first_from(times: Sequence[datetime], begin: datetime, end: datetime) -> datetime | None:
    """The first of some times within a window, both ends included."""
    return min((at for at in times if begin <= at <= end), default=None)
