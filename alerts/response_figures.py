"""The figures by which rapid-response teams report, by month and unit; pure.

Sources: Peberdy et al., Recommended guidelines for monitoring, reporting, and conducting research on medical emergency team, outreach, and rapid response
systems: an Utstein-style scientific statement, Circulation 2007; 116: 2481–2500 (what is recorded of a call); Subbe et al., Quality metrics for the
evaluation of rapid response systems: proceedings from the third international consensus conference on rapid response systems, Resuscitation 2019;
141: 1–12 (cardiac arrests, timeliness of escalation); Jones, Bellomo, DeVita, Effectiveness of the medical emergency team: the importance of dose,
Crit Care 2009; 13: 313 (calls per 1,000 admissions).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct

HOSPITAL: Final = ""
"""Stands for all units together."""
EVERY_MONTH: Final = "all"


class MeasuredCall(Struct, frozen=True, kw_only=True):
    """One call. Seconds are null where the later of the two has not happened."""

    call_id: str
    unit: str
    source: str
    called_for: str | None
    called_at: datetime
    call_to_page_s: float | None
    page_to_acknowledgement_s: float | None
    page_to_arrival_s: float | None
    disposition: str | None
    cancelled: bool


class MeasuredArrest(Struct, frozen=True, kw_only=True):
    """One cardiac arrest. `source`: hand or order."""

    unit: str
    arrested_at: datetime
    source: str


class Admission(Struct, frozen=True, kw_only=True):
    """An inpatient visit that began, or (with a `unit`) came to that unit for the first time."""

    unit: str | None
    at: datetime


class Spread(Struct, frozen=True, kw_only=True):
    """Of `count` times, in seconds, by linear interpolation between order statistics; null without any."""

    count: int
    median_s: float | None = None
    p25_s: float | None = None
    p75_s: float | None = None
    p90_s: float | None = None


class Figures(Struct, frozen=True, kw_only=True):
    """Of one month (`all`: the whole time) and one unit (empty: the hospital). Rates are per 1,000 admissions, null where nobody was admitted.

    `calls` are those that were not cancelled. `arrests_outside_icu`: whose unit is none of the intensive-care units, an unknown one included.
    """

    month: str
    unit: str
    admissions: int
    calls: int
    cancelled: int
    calls_per_1000_admissions: float | None
    call_to_page: Spread
    page_to_acknowledgement: Spread
    page_to_arrival: Spread
    without_arrival: int
    arrests: int
    arrests_outside_icu: int
    arrests_outside_icu_per_1000_admissions: float | None
    called_for: dict[str, int]
    dispositions: dict[str, int]


def spread(seconds: Iterable[float | None]) -> Spread:
    """Median, quartiles and 90th percentile.

    >>> spread([60, None, 120, 180, 240, 600]).median_s, spread([60, 120, 180, 240, 600]).p90_s, spread([None]).median_s
    (180.0, 456.0, None)
    """
    known = np.array([one for one in seconds if one is not None], dtype=np.float64)
    if not known.size:
        return Spread(count=0)
    p25, median, p75, p90 = (round(float(one), 1) for one in np.percentile(known, (25, 50, 75, 90)))
    return Spread(count=int(known.size), median_s=median, p25_s=p25, p75_s=p75, p90_s=p90)


def report(
    calls: Sequence[MeasuredCall],
    arrests: Sequence[MeasuredArrest],
    admissions: Sequence[Admission],
    icu_units: Collection[str],
    zone: ZoneInfo,
) -> list[Figures]:
    """Every month and unit that has anything, the hospital's line first in each month, and the whole time at the end. Months are the hospital's own."""
    by_place: dict[tuple[str, str], tuple[list[MeasuredCall], list[MeasuredArrest], list[Admission]]] = {}

    def at(month: str, unit: str) -> tuple[list[MeasuredCall], list[MeasuredArrest], list[Admission]]:
        return by_place.setdefault((month, unit), ([], [], []))

    for call in calls:
        for month in (_month(call.called_at, zone), EVERY_MONTH):
            for unit in (call.unit, HOSPITAL):
                at(month, unit)[0].append(call)
    for arrest in arrests:
        for month in (_month(arrest.arrested_at, zone), EVERY_MONTH):
            for unit in (arrest.unit, HOSPITAL):
                at(month, unit)[1].append(arrest)
    for admission in admissions:
        for month in (_month(admission.at, zone), EVERY_MONTH):
            at(month, admission.unit or HOSPITAL)[2].append(admission)
    return [_figures(month, unit, *by_place[month, unit], icu_units) for month, unit in sorted(by_place)]


def _figures(
    month: str,
    unit: str,
    calls: Sequence[MeasuredCall],
    arrests: Sequence[MeasuredArrest],
    admissions: Sequence[Admission],
    icu_units: Collection[str],
) -> Figures:
    made = [one for one in calls if not one.cancelled]
    outside = sum(one.unit not in icu_units for one in arrests)
    return Figures(
        month=month, unit=unit, admissions=len(admissions), calls=len(made), cancelled=len(calls) - len(made),
        calls_per_1000_admissions=per_1000(len(made), len(admissions)), call_to_page=spread(one.call_to_page_s for one in made),
        page_to_acknowledgement=spread(one.page_to_acknowledgement_s for one in made), page_to_arrival=spread(one.page_to_arrival_s for one in made),
        without_arrival=sum(one.page_to_arrival_s is None for one in made), arrests=len(arrests), arrests_outside_icu=outside,
        arrests_outside_icu_per_1000_admissions=per_1000(outside, len(admissions)),
        called_for=_counted(one.called_for or "alert" for one in made), dispositions=_counted(one.disposition or "not recorded" for one in made),
    )  # fmt: skip


def per_1000(count: int, admissions: int) -> float | None:
    """
    >>> per_1000(42, 1500), per_1000(3, 0)
    (28.0, None)
    """
    return round(1000 * count / admissions, 2) if admissions else None


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _month(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m}"


UNKNOWN: Final[Mapping[str, str]] = {"?": "unit not known", HOSPITAL: "hospital"}
"""How a report calls what has no name."""
