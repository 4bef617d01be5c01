"""What published scores are made of: one vocabulary of inputs, with the limits beyond which a number is a mistake and no finding."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Consciousness = Literal["A", "C", "V", "P", "U"]
Effort = Literal["normal", "mild", "moderate", "severe", "apnoea"]

Celsius = Annotated[float, Meta(ge=10, le=46)]
"""13.7 °C core was survived once (Gilbert, Lancet 2000;355:375); 98.6 is Fahrenheit."""
PerMinute = Annotated[float, Meta(ge=0, le=350)]
Breaths = Annotated[float, Meta(ge=0, le=150)]
Pressure = Annotated[float, Meta(ge=0, le=400)]
Saturation = Annotated[float, Meta(ge=10, le=100)]
"""0.97 is a fraction, not a percentage."""
Percent = Annotated[float, Meta(ge=0, le=100)]
ArterialOxygen = Annotated[float, Meta(ge=19, le=760)]
"""19.1 mmHg is the lowest that was measured in a climber (Grocott, NEJM 2009;360:140); 12 is kPa."""
ArterialCarbonDioxide = Annotated[float, Meta(ge=10, le=250)]
"""10.3 mmHg is the lowest of the same climbers; 5 is kPa."""
Fraction = Annotated[float, Meta(ge=0.2, le=1)]
"""Inspired oxygen as a fraction: 21 would be a percentage."""
Coma = Annotated[float, Meta(ge=3, le=15, multiple_of=1)]
WhiteCells = Annotated[float, Meta(ge=0, le=1_000)]
"""4,000 and more are per µL."""
Platelets = Annotated[float, Meta(ge=0, le=5_000)]
"""15,000 and more are per µL."""
Bilirubin = Annotated[float, Meta(ge=0, le=80)]
"""In mg/dL; 80 is 1,368 µmol/L."""
Creatinine = Annotated[float, Meta(ge=0.1, le=30)]
"""In mg/dL. An adult's 60–110 µmol/L, and 0.06–0.11 mmol/L, lie outside."""
Sodium = Annotated[float, Meta(ge=80, le=220)]
"""4 is a potassium."""
Inr = Annotated[float, Meta(ge=0.3, le=30)]
Albumin = Annotated[float, Meta(ge=0.3, le=7)]
"""In g/dL; 35 is g/L."""
Millilitres = Annotated[float, Meta(ge=0, le=50_000)]
LargeDose = Annotated[float, Meta(ge=0, le=100)]
SmallDose = Annotated[float, Meta(ge=0, le=10)]
Years = Annotated[float, Meta(ge=0, le=130)]
Kilograms = Annotated[float, Meta(ge=0.3, le=650)]
Centimetres = Annotated[float, Meta(ge=20, le=280)]
OneOrTwo = Annotated[float, Meta(ge=1, le=2, multiple_of=1)]
"""A number, since 2 and 2.0 are the same in JSON."""


class CannotScore(ValueError):
    """This score cannot be given for these inputs, whatever else is measured; `code` is for machines, the text for people."""

    code = "cannot_score"


class NotForThisPatient(CannotScore):
    """The score was not made for patients such as this one."""

    code = "not_for_this_patient"


class NotOnThisChart(CannotScore):
    """An input has a value that the score's chart does not know."""

    code = "not_on_this_chart"


class Contradiction(CannotScore):
    """Two inputs cannot both be true: one of them is a mistake."""

    code = "contradiction"


class Inputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One set of observations; None means not known, and is never counted as normal. Units stand in the names.

    `spo2_scale`: NEWS2's scale 2 only where a clinician has prescribed a target of 88–92 %; not known is scale 1. `gestation_weeks`: completed or
    not, of a pregnancy that is going on. `pain_score`: 0 none to 3 severe. `postpartum_days`: since the birth.
    """

    rr_per_min: Breaths | None = None
    spo2_pct: Saturation | None = None
    spo2_scale: OneOrTwo | None = None
    on_oxygen: bool | None = None
    oxygen_l_min: Annotated[float, Meta(ge=0, le=100)] | None = None
    sbp_mmhg: Pressure | None = None
    dbp_mmhg: Pressure | None = None
    map_mmhg: Pressure | None = None
    hr_per_min: PerMinute | None = None
    temp_c: Celsius | None = None
    consciousness: Consciousness | None = None
    gcs: Coma | None = None
    age_years: Years | None = None
    sex: Literal["F", "M"] | None = None
    pregnant: bool | None = None
    gestation_weeks: Annotated[float, Meta(ge=0, le=45)] | None = None
    postpartum_days: Annotated[float, Meta(ge=0, le=366)] | None = None
    wbc_10e9_l: WhiteCells | None = None
    bands_pct: Percent | None = None
    paco2_mmhg: ArterialCarbonDioxide | None = None
    pao2_mmhg: ArterialOxygen | None = None
    fio2_frac: Fraction | None = None
    ventilated: bool | None = None
    platelets_10e9_l: Platelets | None = None
    bilirubin_mg_dl: Bilirubin | None = None
    creatinine_mg_dl: Creatinine | None = None
    sodium_mmol_l: Sodium | None = None
    inr: Inr | None = None
    albumin_g_dl: Albumin | None = None
    dialysis: bool | None = None
    urine_ml_24h: Millilitres | None = None
    dopamine_ug_kg_min: LargeDose | None = None
    dobutamine_ug_kg_min: LargeDose | None = None
    epinephrine_ug_kg_min: SmallDose | None = None
    norepinephrine_ug_kg_min: SmallDose | None = None
    capillary_refill_s: Annotated[float, Meta(ge=0, le=60)] | None = None
    respiratory_effort: Effort | None = None
    pain_score: Annotated[float, Meta(ge=0, le=3, multiple_of=1)] | None = None
