"""What published scores are made of: one vocabulary of inputs, with the limits beyond which a number is a mistake and no finding."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Consciousness = Literal["A", "C", "V", "P", "U"]

Celsius = Annotated[float, Meta(ge=10, le=46)]
"""13.7 °C core was survived once (Gilbert, Lancet 2000;355:375); 98.6 is Fahrenheit."""
PerMinute = Annotated[float, Meta(ge=0, le=350)]
Pressure = Annotated[float, Meta(ge=0, le=400)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Fraction = Annotated[float, Meta(ge=0.2, le=1)]
"""Inspired oxygen as a fraction: 21 would be a percentage."""
Amount = Annotated[float, Meta(ge=0, le=100_000)]
Years = Annotated[float, Meta(ge=0, le=130)]


class CannotScore(ValueError):
    """This score cannot be given for these inputs, whatever else is measured; `code` is for machines, the text for people."""

    code = "cannot_score"


class NotForThisPatient(CannotScore):
    """The score was not made for patients such as this one."""

    code = "not_for_this_patient"


class NotOnThisChart(CannotScore):
    """An input has a value that the score's chart does not know."""

    code = "not_on_this_chart"


class Inputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One set of observations; None means not known, and is never counted as normal. Units stand in the names.

    `spo2_scale`: NEWS2's scale 2 only where a clinician has prescribed a target of 88–92 %; not known is scale 1.
    """

    rr_per_min: Annotated[float, Meta(ge=0, le=150)] | None = None
    spo2_pct: Percent | None = None
    spo2_scale: Literal[1, 2] | None = None
    on_oxygen: bool | None = None
    sbp_mmhg: Pressure | None = None
    dbp_mmhg: Pressure | None = None
    map_mmhg: Pressure | None = None
    hr_per_min: PerMinute | None = None
    temp_c: Celsius | None = None
    consciousness: Consciousness | None = None
    gcs: Annotated[float, Meta(ge=3, le=15)] | None = None
    age_years: Years | None = None
    sex: Literal["F", "M"] | None = None
    wbc_10e9_l: Amount | None = None
    bands_pct: Percent | None = None
    paco2_mmhg: Pressure | None = None
    pao2_mmhg: Annotated[float, Meta(ge=0, le=760)] | None = None
    fio2_frac: Fraction | None = None
    ventilated: bool | None = None
    platelets_10e9_l: Amount | None = None
    bilirubin_mg_dl: Amount | None = None
    creatinine_mg_dl: Amount | None = None
    sodium_mmol_l: Amount | None = None
    inr: Amount | None = None
    albumin_g_dl: Amount | None = None
    dialysis: bool | None = None
    urine_ml_24h: Amount | None = None
    dopamine_ug_kg_min: Amount | None = None
    dobutamine_ug_kg_min: Amount | None = None
    epinephrine_ug_kg_min: Amount | None = None
    norepinephrine_ug_kg_min: Amount | None = None
