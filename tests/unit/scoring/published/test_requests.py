"""A request for a score as the contract has it: what it may hold, what it is answered with, and each refusal with its reason."""

import json
from typing import Any

import pytest

from scoring.published.answer import LONGEST, answer
from scoring.published.catalogue import scores
from tests.unit.scoring.published.asking import CONTRACT, INPUTS, ask, code

WELL = {"rr_per_min": 16, "spo2_pct": 97, "on_oxygen": False, "sbp_mmhg": 120, "hr_per_min": 70, "temp_c": 37.0, "consciousness": "A"}


def test_every_score_of_the_contract_is_there() -> None:
    assert set(scores()) >= CONTRACT


@pytest.mark.parametrize("score", sorted(CONTRACT - {"kdigo_aki", "nhs_aki"}))
def test_every_input_of_the_contract_is_known_to_every_score(score: str) -> None:
    assert "error" not in ask(score, dict.fromkeys(INPUTS))


@pytest.mark.parametrize("score", sorted(scores()))
def test_an_empty_request_is_answered_with_what_is_needed(score: str) -> None:
    found = ask(score, {})
    assert (found["score"], found["total"], found["parts"]) == (score, None, {})
    assert found["version"]
    assert found["missing"]


def test_null_and_absent_are_the_same() -> None:
    for score in scores():
        fields = scores()[score].inputs.__struct_fields__
        assert ask(score, dict.fromkeys(fields)) == ask(score, {})


def test_whole_numbers_may_be_written_as_fractions() -> None:
    as_floats = {name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value for name, value in WELL.items()}
    assert ask("news2", as_floats) == ask("news2", WELL)
    assert ask("news2", WELL | {"spo2_scale": 2.0, "on_oxygen": True})["parts"]["spo2_pct"] == 3
    assert ask("qsofa", {"gcs": 14.0})["parts"]["gcs"] == 1


def test_news2_answers_with_the_contracts_keys() -> None:
    found = ask("news2", WELL)
    assert {key: found[key] for key in ("score", "version", "total", "missing", "risk", "monitoring")} == {
        "score": "news2", "version": "RCP 2017", "total": 0, "missing": [], "risk": "low", "monitoring": "12h",
    }  # fmt: skip
    assert set(found["parts"]) == set(WELL)


def test_kdigo_answers_with_a_stage_for_each_creatinine() -> None:
    creatinine = [{"at": "2026-05-24T12:00:00Z", "mg_dl": 1.1}, {"at": "2026-05-25T12:00:00Z", "mg_dl": 1.4}]
    for score, stages in (("kdigo_aki", [0, 1]), ("nhs_aki", [None, 1])):
        found = ask(score, {"creatinine": creatinine, "urine": []})
        assert (found["stages"], bool(found["baseline_rule"]), found["total"]) == (stages, True, 1)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"", "not_json"),
        (b"   ", "not_json"),
        (b"{", "not_json"),
        (b"nonsense", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"score": "news2", "inputs": {"hr_per_min": NaN}}', "not_json"),
        (b'{"score": "news2", "inputs": {"hr_per_min": Infinity}}', "not_json"),
        (b"{'score': 'news2', 'inputs': {}}", "not_json"),
        (b'{"score": "news2", "inputs": {}} {}', "not_json"),
        (b'{"score": "news2", "inputs": {"x": ' + b"[" * 100_000, "not_json"),
        (b" " * (LONGEST + 1), "too_long"),
        (b"null", "invalid_request"),
        (b"[]", "invalid_request"),
        (b"7", "invalid_request"),
        (b"{}", "invalid_request"),
        (b'{"score": "news2"}', "invalid_request"),
        (b'{"inputs": {}}', "invalid_request"),
        (b'{"score": null, "inputs": {}}', "invalid_request"),
        (b'{"score": "news2", "inputs": null}', "invalid_request"),
        (b'{"score": "news2", "inputs": []}', "invalid_request"),
        (b'{"score": "news2", "inputs": {}, "patient": "7"}', "invalid_request"),
        (b'{"score": "news2", "inputs": {"hr_per_min": 1e999}}', "invalid_request"),
        (b'{"score": "apache", "inputs": {}}', "unknown_score"),
        (b'{"score": "NEWS2", "inputs": {}}', "unknown_score"),
        (b'{"score": "news2", "inputs": {"pulse": 80}}', "unknown_input"),
        (b'{"score": "news2", "inputs": {"HR_PER_MIN": 80}}', "unknown_input"),
        (b'{"score": "news2", "inputs": {"temp_f": null}}', "unknown_input"),
    ],
)
def test_a_line_that_is_no_request_is_answered_with_the_reason(line: bytes, expected: str) -> None:
    found = json.loads(answer(line))
    assert list(found) == ["error"]
    assert list(found["error"]) == ["code", "detail"]
    assert (found["error"]["code"], bool(found["error"]["detail"])) == (expected, True)


def test_a_request_that_begins_with_a_byte_order_mark_is_read() -> None:
    assert json.loads(answer(b'\xef\xbb\xbf{"score": "news2", "inputs": {}}'))["score"] == "news2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hr_per_min", "80"), ("hr_per_min", True), ("hr_per_min", [80]), ("hr_per_min", {"value": 80}), ("on_oxygen", 0), ("on_oxygen", "no"),
        ("ventilated", 1), ("dialysis", "false"), ("consciousness", "X"), ("consciousness", "alert"), ("consciousness", "a"), ("consciousness", 0),
        ("sex", "female"), ("sex", "f"), ("spo2_scale", "2"), ("respiratory_effort", "bad"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(name: str, value: Any) -> None:
    assert code("news2", **(WELL | {name: value})) == "invalid_inputs"


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("rr_per_min", 0, 150), ("spo2_pct", 10, 100), ("sbp_mmhg", 0, 400), ("dbp_mmhg", 0, 400), ("map_mmhg", 0, 400), ("hr_per_min", 0, 350),
        ("temp_c", 10, 46), ("gcs", 3, 15), ("age_years", 16, 130), ("wbc_10e9_l", 0, 1000), ("bands_pct", 0, 100), ("paco2_mmhg", 10, 250),
        ("pao2_mmhg", 19, 760), ("fio2_frac", 0.2, 1), ("platelets_10e9_l", 0, 5000), ("bilirubin_mg_dl", 0, 80), ("creatinine_mg_dl", 0.1, 30),
        ("sodium_mmol_l", 80, 220), ("inr", 0.3, 30), ("albumin_g_dl", 0.3, 7), ("urine_ml_24h", 0, 50_000), ("dopamine_ug_kg_min", 0, 100),
        ("dobutamine_ug_kg_min", 0, 100), ("epinephrine_ug_kg_min", 0, 10), ("norepinephrine_ug_kg_min", 0, 10), ("spo2_scale", 1, 2),
        ("gestation_weeks", 0, 20), ("pain_score", 0, 3),
    ],
)  # fmt: skip
def test_a_number_that_no_patient_has_is_refused_by_every_score_of_the_vocabulary(name: str, low: float, high: float) -> None:
    for value in (low, high):
        assert code("news2", **(WELL | {name: value})) is None
    beyond = [high * 1.0001 + 0.001, 10**400, -1, low - 0.001]
    for value in beyond if name not in {"age_years", "gestation_weeks"} else [131, -1, 10**400]:
        assert code("news2", **(WELL | {name: value})) == "out_of_range"


@pytest.mark.parametrize(
    ("name", "value", "mistake"),
    [
        ("temp_c", 98.6, "Fahrenheit"), ("creatinine_mg_dl", 88, "µmol/L"), ("creatinine_mg_dl", 0.088, "mmol/L"), ("fio2_frac", 21, "%"),
        ("fio2_frac", 40, "%"), ("spo2_pct", 0.97, "a fraction"), ("albumin_g_dl", 35, "g/L"), ("wbc_10e9_l", 8000, "per µL"),
        ("platelets_10e9_l", 150_000, "per µL"), ("pao2_mmhg", 12, "kPa"), ("paco2_mmhg", 5.3, "kPa"), ("bilirubin_mg_dl", 200, "µmol/L"),
        ("sodium_mmol_l", 4.1, "potassium"), ("gcs", 14.5, "no whole number"), ("gcs", 2, "below 3"), ("spo2_pct", 101, "above 100"),
    ],
)  # fmt: skip
def test_a_value_in_a_wrong_unit_is_refused(name: str, value: float, mistake: str) -> None:
    found = ask("news2", WELL | {name: value})
    assert found["error"]["code"] == "out_of_range", mistake
    assert name in found["error"]["detail"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"at": "2026-01-01", "mg_dl": 88}, "invalid_inputs|out_of_range"),
        ({"at": "2026-01-01", "umol_l": 1.0}, "out_of_range"),
        ({"at": "2026-01-01", "mg_dl": "1.0"}, "invalid_inputs"),
        ({"at": "2026-01-01", "value": 1.0}, "invalid_inputs"),
        ({"mg_dl": 1.0}, "invalid_inputs"),
        ({"at": 1767225600, "mg_dl": 1.0}, "invalid_inputs"),
        ({"at": "soon", "mg_dl": 1.0}, "not_a_time"),
        ({"at": "0001-01-01T00:00:00+14:00", "mg_dl": 1.0}, "not_a_time"),
        (None, "invalid_inputs"),
        (1.0, "invalid_inputs"),
    ],
)
@pytest.mark.parametrize("score", ["kdigo_aki", "nhs_aki"])
def test_a_creatinine_that_is_none_is_refused(score: str, entry: Any, expected: str) -> None:
    assert code(score, creatinine=[entry]) in expected.split("|")


@pytest.mark.parametrize(("total", "expected"), [(0, None), (24, None), (25, "out_of_range"), (-1, "out_of_range"), (1.5, "out_of_range")])
def test_a_sofa_that_is_none_is_refused(total: float, expected: str | None) -> None:
    assert code("sepsis3", sofa=[{"at": "2026-01-01T00:00Z", "total": total}]) == expected


def test_a_series_too_long_to_stage_at_once_is_refused() -> None:
    assert code("kdigo_aki", creatinine=[{"at": "2026-01-01", "mg_dl": 1}] * 2_001) == "invalid_inputs"
    assert code("kdigo_aki", creatinine=[{"at": "2026-01-01", "mg_dl": 1}] * 2_000) is None


SEPTIC = {
    "now": "2026-03-01T13:00:00Z",
    "infection_at": ["2026-03-01T11:00:00Z"],
    "readings": [
        {"at": "2026-03-01T11:00:00Z", "name": "temp_c", "value": 39},
        {"at": "2026-03-01T11:00:00Z", "name": "hr_per_min", "value": 110},
        {"at": "2026-03-01T12:00:00Z", "name": "lactate_mmol_l", "value": 2.4},
    ],
}


def test_sep1_is_asked_for_in_the_same_way() -> None:
    found = ask("sep1", SEPTIC | {"age_years": 70, "admitted_at": "2026-03-01T09:00:00Z", "transferred_in": False, "antibiotics": None})
    assert (found["total"], found["missing"], found["status"]) == (None, [], "severe_sepsis")
    assert {one["name"]: one["state"] for one in found["elements"]}["antibiotic"] == "due"
    assert {one["name"]: one["due_at"] for one in found["elements"]}["antibiotic"] == "2026-03-01T15:00:00Z"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"readings": [{"at": "2026-03-01T11:00:00Z", "name": "temp_c", "value": 102}]}, "out_of_range"),
        ({"readings": [{"at": "2026-03-01T11:00:00Z", "name": "lactate_mmol_l", "value": 180}]}, "out_of_range"),
        ({"readings": [{"at": "2026-03-01T11:00:00", "name": "temp_c", "value": 39}]}, "invalid_inputs"),
        ({"readings": [{"at": "2026-03-01T11:00:00Z", "name": "pulse", "value": 39}]}, "invalid_inputs"),
        ({"severe_sepsis_documented_at": "0001-01-01T00:00:00Z"}, "not_a_time"),
        ({"heart": 1}, "unknown_input"),
        ({"weight_kg": 0}, "out_of_range"),
        ({"age_years": 700}, "out_of_range"),
        ({"crystalloids": [{"at": "2026-03-01T11:00:00Z", "ml": 0}]}, "out_of_range"),
        ({"antibiotics": [{"at": "2026-03-01T11:00:00Z"}]}, "invalid_inputs"),
    ],
)
def test_sep1_refuses_what_cannot_be(facts: dict[str, Any], expected: str) -> None:
    assert code("sep1", **(SEPTIC | facts)) == expected


def test_ages_of_inputs_are_told_where_times_are_given() -> None:
    times = {"hr_per_min": "2026-03-01T08:00:00Z", "temp_c": "2026-03-01T09:00:00+01:00", "rr_per_min": "2026-03-01T07:30:00Z"}
    newest = ask("news2", WELL, observed_at=times)["ages_s"]
    assert newest == dict.fromkeys(WELL) | {"hr_per_min": 0, "temp_c": 0, "rr_per_min": 1800}
    at = ask("news2", WELL | {"spo2_pct": None}, observed_at=times | {"spo2_pct": "2026-03-01T08:00:00Z"}, at="2026-03-01T09:00:00Z")[
        "ages_s"
    ]
    assert (at["hr_per_min"], at["rr_per_min"], "spo2_pct" in at) == (3600, 5400, False)
    assert "ages_s" not in ask("news2", WELL)


@pytest.mark.parametrize(
    ("times", "at", "expected"),
    [
        ({"hr_per_min": "2026-03-01T08:00:01Z"}, "2026-03-01T08:00:00Z", "contradiction"),
        ({"hr_per_min": "2026-03-01T08:00:00"}, None, "not_a_time"),
        ({"hr_per_min": "8 o'clock"}, None, "not_a_time"),
        ({"pulse": "2026-03-01T08:00:00Z"}, None, "unknown_input"),
    ],
)
def test_times_of_inputs_that_cannot_be_are_refused(times: dict[str, str], at: str | None, expected: str) -> None:
    assert ask("news2", WELL, observed_at=times, at=at)["error"]["code"] == expected
