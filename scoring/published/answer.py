"""Answers one request for a published score, as `vigil score` and partners send it: JSON in, JSON out, an error is an answer too."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from scoring.published.catalogue import Published, scores
from scoring.published.inputs import CannotScore
from scoring.published.times import ages_s

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
LONGEST: Final = 1 << 20
"""Bytes of one request. A year of hourly creatinines is a tenth of it; more is not a request for a score."""


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{"score": NAME, "inputs": {…}}`; where `observed_at` gives times by input, the answer tells their ages at `at` (else at the newest)."""

    score: str
    inputs: dict[str, Any]
    observed_at: dict[str, str] | None = None
    at: str | None = None


class WrongInputs(CannotScore):
    """The inputs are not what this score reads; the code says in what way."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def answer(line: bytes) -> bytes:
    """One request to one answer, without line ends and in ASCII. What cannot be answered says why.

    >>> answer(b'{"score": "shock_index", "inputs": {"hr_per_min": 120, "sbp_mmhg": 80}}')
    b'{"score":"shock_index","version":"Allgower and Burri 1967","total":1.5,"parts":{"hr_per_min":120.0,"sbp_mmhg":80.0},"missing":[]}'
    >>> answer(b'{"score": "apache", "inputs": {}}')[:43]
    b'{"error":{"code":"unknown_score","detail":"'
    """
    return msgspec.json.encode(_answer(line))


def _answer(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST:
        return _error("too_long", f"a request has at most {LONGEST} bytes")
    try:
        request = msgspec.json.decode(line.removeprefix(BYTE_ORDER_MARK), type=Request)
    except msgspec.ValidationError as wrong:
        return _error("invalid_request", str(wrong))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        return _error("not_json", str(wrong))
    score = scores().get(request.score)
    if score is None:
        return _error("unknown_score", f"known are {' '.join(sorted(scores()))}")
    try:
        return _scored(score, request)
    except CannotScore as reason:
        return _error(reason.code, str(reason))
    except OverflowError:
        return _error("not_a_time", "a time from which a window reaches out of the calendar")


def _scored(score: Published, request: Request) -> dict[str, Any]:
    outcome = score.outcome(_inputs(score, request.inputs))
    told = dict(outcome.told)
    if request.observed_at is not None:
        _refuse_unknown(score, request.observed_at)
        told["ages_s"] = ages_s(request.observed_at, [name for name, value in request.inputs.items() if value is not None], request.at)
    return {
        "score": score.name,
        "version": score.version,
        "total": outcome.total,
        "parts": outcome.parts,
        "missing": outcome.missing,
        **told,
    }


def _inputs(score: Published, given: dict[str, Any]) -> Struct:
    _refuse_unknown(score, given)
    try:
        return msgspec.convert({name: value for name, value in given.items() if value is not None}, type=score.inputs)
    except OverflowError as wrong:
        raise WrongInputs("out_of_range", "a number is too large for any input") from wrong
    except msgspec.ValidationError as wrong:
        detail = str(wrong)
        out_of_range = "out of range" in detail or (detail.startswith("Expected `float`") and ", got `" not in detail)
        raise WrongInputs("out_of_range" if out_of_range else "invalid_inputs", detail) from wrong


def _refuse_unknown(score: Published, given: dict[str, Any] | dict[str, str]) -> None:
    unknown = [name for name in given if name not in score.inputs.__struct_fields__]
    if unknown:
        raise WrongInputs("unknown_input", f"{score.name} knows no {', '.join(ascii(name)[1:41] for name in unknown[:3])}")


def _error(code: str, detail: str) -> dict[str, Any]:
    return {"error": {"code": code, "detail": detail.encode("ascii", "backslashreplace").decode()}}
