"""Answers one request for a published score, as `vigil score` and partners send it: JSON in, JSON out, an error is an answer too."""

from typing import Any

import msgspec
from msgspec import Struct

from scoring.published.catalogue import scores
from scoring.published.inputs import CannotScore


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{"score": NAME, "inputs": {…}}`."""

    score: str
    inputs: dict[str, Any]


def answer(line: bytes) -> bytes:
    """One request to one answer, without line ends. What cannot be answered says why.

    >>> answer(b'{"score": "shock_index", "inputs": {"hr_per_min": 120, "sbp_mmhg": 80}}')
    b'{"score":"shock_index","version":"Allgower and Burri 1967","total":1.5,"parts":{"hr_per_min":120.0,"sbp_mmhg":80.0},"missing":[]}'
    >>> answer(b'{"score": "apache", "inputs": {}}')[:43]
    b'{"error":{"code":"unknown_score","detail":"'
    """
    return msgspec.json.encode(_answer(line))


def _answer(line: bytes) -> dict[str, Any]:
    try:
        request = msgspec.json.decode(line, type=Request)
    except msgspec.ValidationError as wrong:
        return _error("invalid_request", str(wrong))
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        return _error("not_json", str(wrong))
    score = scores().get(request.score)
    if score is None:
        return _error("unknown_score", f"known are {' '.join(sorted(scores()))}")
    try:
        inputs = msgspec.convert(request.inputs, type=score.inputs)
        outcome = score.outcome(inputs)
    except msgspec.ValidationError as wrong:
        return _error("invalid_inputs", str(wrong))
    except CannotScore as reason:
        return _error(reason.code, str(reason))
    return {
        "score": score.name,
        "version": score.version,
        "total": outcome.total,
        "parts": outcome.parts,
        "missing": outcome.missing,
        **outcome.told,
    }


def _error(code: str, detail: str) -> dict[str, Any]:
    return {"error": {"code": code, "detail": detail}}
