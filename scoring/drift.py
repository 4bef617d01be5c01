"""Whether a feed's numbers look like another unit's: the newest values of many patients beside the training data's quantiles. Pure but for its memory."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Final

from msgspec import Struct

from parsers.codes import CANONICAL, canonical_code
from parsers.events import Observation
from parsers.units import conversion
from streams.features import CODE
from streams.processing import Taken

MISTAKEN_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    "temperature": ("[degF]",), "creatinine": ("umol/L", "mmol/L"), "glucose": ("mmol/L",), "lactate": ("mg/dL",), "hemoglobin": ("g/L", "mmol/L"),
    "bun": ("mmol/L",), "bilirubin_total": ("umol/L",), "bilirubin_direct": ("umol/L",), "calcium": ("mmol/L",), "magnesium": ("mmol/L",),
    "phosphate": ("mmol/L",), "albumin": ("g/L",), "pao2": ("kPa",), "paco2": ("kPa",), "sbp": ("kPa",), "dbp": ("kPa",), "map": ("kPa",), "spo2": ("1",),
    "hematocrit": ("L/L",), "fibrinogen": ("g/L",), "wbc": ("/uL",), "platelets": ("/uL",), "troponin_i": ("ng/L",), "fio2": ("1",),
}  # fmt: skip
"""UCUM units that hospitals send the quantity in, besides its own. Which label a feed puts on its numbers cannot be trusted; which numbers it sends can."""

PATIENTS: Final = 40
"""Remembered of each feed and quantity, the newest value of each: one patient with a strange kidney is no drift."""
LEAST: Final = 8
"""Patients before anything is said. The middle one of eight lies outside nine tenths of the training data by chance about once in 800 times."""
MOST_FEEDS: Final = 200


class Drift(Struct, frozen=True, kw_only=True):
    """`looks_like`: the unit that would explain the numbers. `detail` has medians of many patients, and none of any."""

    feed: str
    quantity: str
    looks_like: str
    detail: str


def judged(values: Sequence[float], quantiles: Sequence[float], units: Mapping[str, tuple[float, float]]) -> tuple[str, float] | None:
    """The unit that explains the values, and their median as sent; None where they are as they should be, or nothing explains them.

    `quantiles`: 0.1, 5, 50, 95 and 99.9 % of the training data; `units`: factor and offset to the quantity's own.

    >>> celsius, units = (33.0, 36.1, 37.0, 38.2, 40.5), {"[degF]": (5 / 9, -160 / 9)}
    >>> judged([98.6, 97.9, 101.2, 98.1, 99.0, 98.4, 98.8, 99.5], celsius, units)
    ('[degF]', 98.7)
    >>> judged([36.6, 38.9, 37.0, 36.1, 39.2, 37.7, 36.9, 36.8], celsius, units) is None
    True
    """
    if len(values) < LEAST:
        return None
    middle = median(values)
    _, low, typical, high, _ = quantiles
    if low <= middle <= high:
        return None
    explained = {unit: middle * factor + offset for unit, (factor, offset) in units.items() if low <= middle * factor + offset <= high}
    if not explained:
        return None
    return min(explained, key=lambda unit: abs(explained[unit] - typical)), round(middle, 4)


class UnitDrift:
    """What was sent lately. `quantiles`: by canonical name, of the live model's guard."""

    def __init__(self, quantiles: Mapping[str, Sequence[float]]) -> None:
        self._quantiles = {name: found for name, found in quantiles.items() if name in MISTAKEN_FOR}
        self._units = {name: dict(_units(name)) for name in self._quantiles}
        self._held: dict[tuple[str, str], OrderedDict[str, float]] = {}
        self._lock = threading.Lock()

    def take(self, taken: Taken) -> None:
        """Notes the values of one recorded message."""
        feed = taken.record.feed or "unknown"
        if taken.outcome != "stored" or taken.message is None or taken.patient_id is None:
            return
        with self._lock:
            for event in taken.message.events:
                found = _value(event) if isinstance(event, Observation) else None
                if found is not None and found[0] in self._quantiles:
                    self._note(feed, taken.patient_id, *found)

    def _note(self, feed: str, patient_id: str, quantity: str, value: float) -> None:
        if (feed, quantity) not in self._held and len(self._held) >= MOST_FEEDS * len(self._quantiles):
            return
        held = self._held.setdefault((feed, quantity), OrderedDict())
        held[patient_id] = value
        held.move_to_end(patient_id)
        if len(held) > PATIENTS:
            held.popitem(last=False)

    def drifting(self) -> list[Drift]:
        """What looks like another unit now."""
        with self._lock:
            held = {key: list(values.values()) for key, values in self._held.items()}
        return [drift for key, values in held.items() if (drift := self._drift(*key, values)) is not None]

    def _drift(self, feed: str, quantity: str, values: Sequence[float]) -> Drift | None:
        found = judged(values, self._quantiles[quantity], self._units[quantity])
        if found is None:
            return None
        unit, middle = found
        own = CANONICAL[CODE[quantity]].unit
        detail = f"the median of {len(values)} patients is {middle:g} {own}; it would be ordinary in {unit}"
        return Drift(feed=feed, quantity=quantity, looks_like=unit, detail=detail)


def _units(name: str) -> Iterator[tuple[str, tuple[float, float]]]:
    known = CANONICAL[CODE[name]]
    for unit in MISTAKEN_FOR[name]:
        factor = conversion(known.code, unit, known.unit)
        if factor is not None:
            yield unit, factor


def _value(event: Observation) -> tuple[str, float] | None:
    """Quantity and number in the quantity's own unit, as the label says; also of what the reader refused as impossible, which tells most."""
    if event.canonical is not None:
        number = event.canonical.value_num
        return None if number is None else (CANONICAL[event.canonical.code].name, number)
    if "impossible_value" not in event.flags or event.value_num is None or not event.code:
        return None
    meant = canonical_code(event.code, event.code_system, event.display)
    factor = conversion(meant.sent_as or meant.code, event.unit, meant.unit) if meant else None
    return None if meant is None or factor is None else (meant.name, event.value_num * factor[0] + factor[1])
