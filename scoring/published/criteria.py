"""Criteria that are met or not: what a score of such criteria can already say while some are not known."""

from collections.abc import Mapping


def met_or_none(*ways: bool | None) -> int | None:
    """1 where any way to the criterion is met, 0 where all that are known are not, None where none is known.

    >>> met_or_none(None, True), met_or_none(False, None), met_or_none(None, None)
    (1, 0, None)
    """
    seen = [way for way in ways if way is not None]
    return int(any(seen)) if seen else None


def positive_from(threshold: int, points: Mapping[str, int | None]) -> bool | None:
    """True as soon as it cannot be otherwise, None while what is missing decides.

    >>> positive_from(2, {"rr_per_min": 1, "sbp_mmhg": 1, "gcs": None}), positive_from(2, {"rr_per_min": 0, "sbp_mmhg": 0, "gcs": None})
    (True, False)
    """
    met = sum(scored for scored in points.values() if scored is not None)
    if met >= threshold:
        return True
    return None if met + sum(scored is None for scored in points.values()) >= threshold else False
