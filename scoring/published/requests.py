"""`vigil score`: a request as JSON to a published score's answer; whatever is wrong with it becomes an answer too."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from scoring.published import news2 as news2_chart
from scoring.published import qsofa as qsofa_chart
from scoring.published import shock_index as shock


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of stdin."""

    score: str
    inputs: dict[str, Any]


class AllInputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every input any score takes; a score ignores what it does not use, and a name that no score knows is an error."""

    rr_per_min: float | None = None
    spo2_pct: float | None = None
    spo2_scale: int | None = None
    on_oxygen: bool | None = None
    sbp_mmhg: float | None = None
    dbp_mmhg: float | None = None
    map_mmhg: float | None = None
    hr_per_min: float | None = None
    temp_c: float | None = None
    consciousness: str | None = None
    gcs: float | None = None
    age_years: float | None = None
    sex: str | None = None


Answer = dict[str, Any]


def answer(line: bytes) -> Answer:
    """The answer to one line; never raises.

    >>> answer(b'{"score": "shock_index", "inputs": {"hr_per_min": 120, "sbp_mmhg": 80}}')["total"]
    1.5
    >>> answer(b'{"score": "apgar", "inputs": {}}')["error"]["code"]
    'unknown_score'
    """
    try:
        request = msgspec.json.decode(line, type=Request)
    except msgspec.DecodeError as error:
        return _error("bad_request", str(error))
    score = SCORES.get(request.score)
    if score is None:
        return _error("unknown_score", f"{request.score} is none of: {', '.join(SCORES)}")
    try:
        msgspec.convert(request.inputs, AllInputs)
        return {"score": request.score} | score(request.inputs)
    except msgspec.ValidationError as error:
        return _error("bad_input", str(error))
    except news2_chart.NotForThisPatient as error:
        return _error("not_for_this_patient", str(error))


def _error(code: str, detail: str) -> Answer:
    return {"error": {"code": code, "detail": detail}}


def _only(inputs: Mapping[str, Any], kind: type[Struct]) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if name in kind.__struct_fields__ and value is not None}


def _news2(inputs: Mapping[str, Any]) -> Answer:
    given = msgspec.convert(_only(inputs, news2_chart.Inputs), news2_chart.Inputs)
    if any(value is not None and value < 0 for value in (given.rr_per_min, given.spo2_pct, given.sbp_mmhg, given.hr_per_min)):
        raise msgspec.ValidationError("a measurement is negative")
    result = news2_chart.news2(given)
    return {
        "version": news2_chart.VERSION, "total": result.total, "parts": result.parts, "missing": list(result.missing), "at_least": result.at_least,
        "red": result.red, "risk": result.risk, "monitoring": result.monitoring,
    }  # fmt: skip


def _qsofa(inputs: Mapping[str, Any]) -> Answer:
    points = qsofa_chart.qsofa(msgspec.convert(_only(inputs, qsofa_chart.Inputs), qsofa_chart.Inputs))
    parts = {name: scored for name, scored in points.items() if scored is not None}
    missing = [name for name, scored in points.items() if scored is None]
    return {"version": qsofa_chart.VERSION, "total": None if missing else sum(parts.values()), "parts": parts, "missing": missing}


def _index(pressure: str, version: str) -> Callable[[Mapping[str, Any]], Answer]:
    def score(inputs: Mapping[str, Any]) -> Answer:
        given = msgspec.convert(_only(inputs, shock.Inputs), shock.Inputs)
        below = getattr(given, pressure)
        missing = [name for name, value in (("hr_per_min", given.hr_per_min), (pressure, below)) if value is None]
        if below is not None and below <= 0:
            raise msgspec.ValidationError(f"{pressure} must be above 0")
        total = None if given.hr_per_min is None or below is None else shock.shock_index(given.hr_per_min, below)
        return {"version": version, "total": total, "parts": {}, "missing": missing}

    return score


SCORES: Mapping[str, Callable[[Mapping[str, Any]], Answer]] = MappingProxyType(
    {
        "news2": _news2,
        "qsofa": _qsofa,
        "shock_index": _index("sbp_mmhg", shock.VERSION),
        "modified_shock_index": _index("map_mmhg", shock.MODIFIED_VERSION),
    }
)
"""By the contract's name."""
