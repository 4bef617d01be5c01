"""A figure as `vigil bench` tells it: a value beside the floor of the same run."""

from collections.abc import Sequence

Figure = dict[str, float | str | None]


def figure(value: float, unit: str, floor: float, **further: float) -> Figure:
    """`ratio`: value to floor."""
    return {"value": round(value, 1), "unit": unit, "floor": round(floor, 1), "ratio": round(value / floor, 3), **further}


def quantile(values_ms: Sequence[float], share: float, floors_ms: Sequence[float] = ()) -> Figure:
    """A quantile in milliseconds, of how many, beside the same quantile of the floor where there is one; null where nothing was measured."""
    value, floor = _at(values_ms, share), _at(floors_ms, share)
    ratio = round(value / floor, 2) if value is not None and floor else None
    return {"value": value, "unit": "ms", "floor": floor, "ratio": ratio, "count": float(len(values_ms))}


def _at(values_ms: Sequence[float], share: float) -> float | None:
    ordered = sorted(values_ms)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else None
