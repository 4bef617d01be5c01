"""The numbers of SEP-1 as data: read from `manual.toml`, checked, never written in code."""

from datetime import timedelta
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct


class SevereSepsis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must come together, and within how long."""

    within_hours: float
    sirs_needed: int


class Sirs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits that a value must pass, not reach."""

    temp_above_c: float
    temp_below_c: float
    hr_above_per_min: float
    rr_above_per_min: float
    wbc_above_10e9_l: float
    wbc_below_10e9_l: float
    bands_above_pct: float


class OrganDysfunction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits that a value must pass, not reach."""

    sbp_below_mmhg: float
    map_below_mmhg: float
    creatinine_above_mg_dl: float
    urine_below_ml_kg_h: float
    bilirubin_above_mg_dl: float
    platelets_below_10e9_l: float
    inr_above: float
    aptt_above_s: float
    lactate_above_mmol_l: float


class Shock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When severe sepsis is shock."""

    lactate_from_mmol_l: float
    persistent_within_hours: float
    persistent_readings: int
    fluid_ml_per_kg: float


class InitialHypotension(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many low readings, how near to each other, how near to severe sepsis."""

    readings: int
    within_hours: float
    around_hours: float


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hours before and after a time in which something counts; both ends belong to it."""

    before_hours: float = 0.0
    after_hours: float

    @property
    def before(self) -> timedelta:
        return timedelta(hours=self.before_hours)

    @property
    def after(self) -> timedelta:
        return timedelta(hours=self.after_hours)


class RepeatLactate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a second lactate is asked for, and until when."""

    after_hours: float
    if_above_mmol_l: float


class Exclusions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is not measured."""

    youngest_years: float
    comfort_care_within_hours: float
    discharged_within_hours: float
    antibiotic_before_hours: float
    longest_stay_days: float


class Manual(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One edition of the measure."""

    version: str
    severe_sepsis: SevereSepsis
    sirs: Sirs
    organ_dysfunction: OrganDysfunction
    shock: Shock
    initial_hypotension: InitialHypotension
    initial_lactate: Window
    blood_culture: Window
    antibiotic: Window
    repeat_lactate: RepeatLactate
    crystalloid: Window
    vasopressor: Window
    perfusion_assessment: Window
    exclusions: Exclusions


@cache
def manual() -> Manual:
    """The edition shipped beside this file.

    >>> manual().initial_lactate.before_hours
    6.0
    """
    return msgspec.toml.decode(files("scoring.sep1").joinpath("manual.toml").read_bytes(), type=Manual)
