"""Codes and units: what is taken for which quantity, what is not, and how its number converts."""

import pytest

from parsers.codes import CANONICAL, NAMES, SAME_AS, CanonicalCode, canonical_code
from parsers.units import conversion

UNDERSTOOD = [
    "8867-4",
    "9279-1",
    "59408-5",
    "2708-6",
    "8480-6",
    "8462-4",
    "8478-0",
    "8310-5",
    "3151-8",
    "3150-6",
    "67775-7",
    "9269-2",
    "6690-2",
    "764-1",
    "2019-8",
    "2703-7",
    "777-3",
    "1975-2",
    "2160-0",
    "2951-2",
    "6301-6",
    "1751-7",
]


@pytest.mark.parametrize("code", UNDERSTOOD)
def test_the_codes_of_the_contract_need_no_configuration(code: str) -> None:
    assert canonical_code(code, "LN") is not None


def test_every_other_name_leads_to_a_canonical_code_and_none_to_itself() -> None:
    assert {target for target in (*SAME_AS.values(), *NAMES.values()) if target not in CANONICAL} == set()
    assert [code for code in SAME_AS if code in CANONICAL] == []


@pytest.mark.parametrize("one", CANONICAL.values(), ids=lambda one: one.name)
def test_a_number_in_its_canonical_unit_stays_what_it_is(one: CanonicalCode) -> None:
    assert one.unit == "" or conversion(one.code, one.unit, one.unit) == (1.0, 0.0)
    assert one.low <= one.high


@pytest.mark.parametrize(
    ("code", "system", "text"),
    [
        ("2828-2", "LN", "Potassium"),  # in urine, whatever its text says
        ("2746-6", "LN", None),  # pH of venous blood
        ("11556-8", "LN", None),  # oxygen in blood that may be venous
        ("9187-6", "LN", None),  # urine over a time that is not said
        ("67774-0", "LN", None),  # a symptom
        ("X", "L", "pH"),  # of urine as often as of blood
        ("X", "MDC", "MDC_TEMP_SKIN"),
        ("X", "L", "Pulse pressure"),
    ],
)
def test_what_might_be_another_quantity_is_not_taken_for_one(code: str, system: str, text: str | None) -> None:
    assert canonical_code(code, system, text) is None


@pytest.mark.parametrize(
    ("code", "text", "blood", "name"), [("X", "Sodium", True, "sodium"), ("X", "Sodium", False, None), ("X", "Pulse", False, "heart_rate")]
)
def test_a_name_means_the_blood_quantity_only_where_the_specimen_may_be_blood(code: str, text: str, blood: bool, name: str | None) -> None:
    found = canonical_code(code, "L", text, blood=blood)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("code", "text", "number", "unit", "expected"),
    [
        ("8310-5", None, 98.6, "degF", 37.0),
        ("8310-5", None, 98.6, "MDC_DIM_FAHR", 37.0),
        ("2019-8", None, 5.33, "kPa", 39.98),
        ("8867-4", None, 71, "bpm", 71),
        ("8867-4", None, 71, None, 71),
        ("2160-0", None, 100, "µmol/L", 1.131),
        ("2160-0", None, 100, "UMOLL", 1.131),
        ("1975-2", None, 17.1, "umol/L", 1.0),
        ("2345-7", None, 5.5, "mmol/L", 99.1),
        ("2524-7", None, 18, "mg/dL", 2.0),
        ("17861-6", None, 2.5, "mmol/L", 10.02),
        ("17861-6", None, 5.0, "mEq/L", 10.02),
        ("19123-9", None, 2.0, "meq/L", 2.43),
        ("2823-3", None, 4.1, "mEq/L", 4.1),
        ("10839-9", None, 40, "ng/L", 0.04),
        ("6690-2", None, 11, "G/L", 11),
        ("6690-2", None, 11, "K/uL", 11),
        ("777-3", None, 200, "x10^9/L", 200),
        ("718-7", None, 8.07, "mmol/L", 13.0),
        ("3150-6", None, 0.28, "1", 28),
        ("4544-3", None, 0.42, "L/L", 42),
        ("3094-0", None, 20, "mg/dL", 20),
        ("3094-0", None, 7.14, "mmol/L", 20),
        ("3091-6", None, 42.9, "mg/dL", 20),
        ("22664-7", None, 7.14, "mmol/L", 20),
        ("X", "Urea", 42.9, "mg/dL", 20),
        ("X", "Urea", 7.14, "mmol/L", 20),
        ("3151-8", None, 2000, "mL/min", 2),
        ("1920-8", None, 1.0, "ukat/L", 60),
    ],
)
def test_numbers_convert_to_the_canonical_unit(code: str, text: str | None, number: float, unit: str | None, expected: float) -> None:
    meant = canonical_code(code, "LN" if code != "X" else "L", text)
    assert meant is not None
    factor = conversion(meant.sent_as or meant.code, unit, meant.unit)
    assert factor is not None
    assert number * factor[0] + factor[1] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("code", "unit"), [("2823-3", None), ("2823-3", "mg/dL"), ("2160-0", "furlong"), ("8310-5", "kg"), ("4544-3", None), ("urea", "kPa")]
)
def test_a_unit_that_is_missing_or_of_another_dimension_is_not_guessed(code: str, unit: str | None) -> None:
    assert conversion(code, unit, CANONICAL["3094-0" if code == "urea" else code].unit) is None
