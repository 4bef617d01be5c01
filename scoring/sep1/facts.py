"""What is known of one stay, as SEP-1 asks for it: readings, documentation, treatments, each with its time."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from scoring.published.inputs import Kilograms, Years

Instant = Annotated[datetime, Meta(tz=True)]

Measure = Literal[
    "temp_c", "hr_per_min", "rr_per_min", "wbc_10e9_l", "bands_pct", "sbp_mmhg", "map_mmhg", "creatinine_mg_dl", "urine_ml_kg_h", "bilirubin_mg_dl",
    "platelets_10e9_l", "inr", "aptt_s", "lactate_mmol_l",
]  # fmt: skip


class Reading(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value; `urine_ml_kg_h` is the mean of the two hours before. `explained`: a chronic condition or a drug is documented as its cause."""

    at: Instant
    name: Measure
    value: float
    explained: bool = False


class Antibiotic(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dose given. `broad_spectrum`: on the manual's list of monotherapies, or part of a listed combination."""

    at: Instant
    broad_spectrum: bool
    intravenous: bool = True


class Fluid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Crystalloid that was in by `at`."""

    at: Instant
    ml: Annotated[float, Meta(gt=0, le=20_000)]


class Facts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stay. None: not known; an empty tuple: none that is known. All times aware."""

    age_years: Years | None = None
    weight_kg: Kilograms | None = None
    admitted_at: Instant | None = None
    discharged_at: Instant | None = None
    transferred_in: bool | None = None
    comfort_care_at: Instant | None = None
    refused_at: Instant | None = None
    infection_at: tuple[Instant, ...] = ()
    severe_sepsis_documented_at: Instant | None = None
    septic_shock_documented_at: Instant | None = None
    ventilated_at: tuple[Instant, ...] = ()
    """Starts of new invasive or non-invasive ventilation."""
    readings: tuple[Reading, ...] = ()
    blood_cultures_at: tuple[Instant, ...] = ()
    antibiotics: tuple[Antibiotic, ...] = ()
    crystalloids: tuple[Fluid, ...] = ()
    vasopressors_at: tuple[Instant, ...] = ()
    perfusion_assessed_at: tuple[Instant, ...] = ()


def known_at(facts: Facts, now: datetime) -> Facts:
    """The facts without those that lie after `now`: what is planned is not done."""

    def past(at: datetime | None) -> datetime | None:
        return at if at is not None and at <= now else None

    def past_all(times: tuple[datetime, ...]) -> tuple[datetime, ...]:
        return tuple(sorted(at for at in times if at <= now))

    return Facts(
        age_years=facts.age_years,
        weight_kg=facts.weight_kg,
        admitted_at=past(facts.admitted_at),
        discharged_at=past(facts.discharged_at),
        transferred_in=facts.transferred_in,
        comfort_care_at=past(facts.comfort_care_at),
        refused_at=past(facts.refused_at),
        infection_at=past_all(facts.infection_at),
        severe_sepsis_documented_at=past(facts.severe_sepsis_documented_at),
        septic_shock_documented_at=past(facts.septic_shock_documented_at),
        ventilated_at=past_all(facts.ventilated_at),
        readings=tuple(sorted((one for one in facts.readings if one.at <= now), key=lambda one: one.at)),
        blood_cultures_at=past_all(facts.blood_cultures_at),
        antibiotics=tuple(sorted((one for one in facts.antibiotics if one.at <= now), key=lambda one: one.at)),
        crystalloids=tuple(sorted((one for one in facts.crystalloids if one.at <= now), key=lambda one: one.at)),
        vasopressors_at=past_all(facts.vasopressors_at),
        perfusion_assessed_at=past_all(facts.perfusion_assessed_at),
    )
