"""One OBX to one observation: the hot path of reading, written so that twelve of them cost some forty microseconds."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import Struct

from parsers.context import Context
from parsers.events import Canonical, Observation, ObservationStatus
from parsers.fields import known
from parsers.values import Dictionary, Meaning, canonical_of, dictionary, plain_number, quantified, value_of

STATUS: Mapping[str, ObservationStatus] = MappingProxyType(
    {
        "P": "preliminary", "R": "preliminary", "S": "preliminary", "B": "preliminary", "A": "preliminary",
        "F": "final", "U": "final", "V": "final",
        "C": "corrected", "D": "deleted", "W": "wrong", "I": "incomplete", "O": "incomplete", "X": "incomplete", "N": "incomplete",
    }
)  # fmt: skip
"""HL7 table 0085 (N: not asked for, so there is no result), and A of OBR-25 (table 0123: some results available)."""

WITH_AN_HOUR = len("YYYYMMDDHH")
DAY = timedelta(days=1)

FIELDS = 15
"""OBX-1 to OBX-14 and the name before them."""


class Order(Struct, frozen=True, gc=False):
    """What the OBX segments that follow inherit from their ORC and OBR.

    `meanings`: of their codes and units; `number`: filler's, else placer's; `only_own_time`: an OBX without OBX-14 is not to be scored, for the
    message is about something else; `flags`: of every OBX below it.
    """

    meanings: Dictionary
    number: str | None = None
    observed_at: datetime | None = None
    status: str | None = None
    parent_key: str | None = None
    only_own_time: bool = False
    flags: tuple[str, ...] = ()


def meanings(context: Context, *, blood: bool = True, by_name: bool = True) -> Dictionary:
    """The dictionary for this message and specimen."""
    return dictionary(context.encoding, context.separator, context.profile.codes, blood, by_name)


def meaning_of(obx: Sequence[str], order: Order) -> Meaning:
    """What OBX-3 and OBX-6 mean in this order."""
    return order.meanings(obx[3] if len(obx) > 3 else "", obx[6] if len(obx) > 6 else "")


def observe(context: Context, obx: Sequence[str], order: Order) -> Observation:
    """The observation. What cannot be understood is kept and flagged."""
    if len(obx) < FIELDS:
        obx = [*obx, *("",) * (FIELDS - len(obx))]
    _, set_id, kind, identifier, sub_id, raw, unit, span, abnormal, _, _, status, _, _, own_time = obx[:FIELDS]
    meant = order.meanings(identifier, unit)
    number, value = plain_number(raw) if kind == "NM" else None, None
    if number is not None:
        canonical, flags = quantified(meant, number)
    else:
        kind = kind.split(context.marks.component, 1)[0].strip()
        if context.profile.decimal_comma and kind in ("NM", "SN"):
            raw = raw.replace(",", ".")
        value = value_of(kind, raw, context.marks)
        number = value.num
        canonical, flags = canonical_of(meant, value, raw, context.marks)
        flags = value.flags + flags
    observed_at = context.time(own_time) if len(own_time) >= WITH_AN_HOUR else None
    if observed_at is None:
        observed_at, canonical, flags = _inherited(context, own_time, order, canonical, flags)
    if context.zone_assumed and observed_at is not None:
        flags = (*flags, "no_time_zone")
    stated, flags = (STATUS[status], flags) if status in STATUS else _status(status.strip() or order.status or "F", flags)
    return Observation(
        code=meant.code or "",
        code_system=meant.code_system,
        display=meant.display,
        value_type=kind or None,
        value_num=number,
        value_text=value.text if value else None,
        comparator=value.comparator if value else None,
        unit=meant.unit,
        observed_at=observed_at,
        status=stated,
        set_id=set_id.strip() or None,
        sub_id=(known(sub_id) if sub_id else None),
        result_key=f"{order.number}|{meant.code}|{sub_id.strip()}" if order.number and meant.code else None,
        flags=flags + order.flags,
        canonical=canonical,
        structured=value.structured if value else None,
        interpretation=_codes(context, abnormal) if abnormal else None,
        reference_range=(known(context.marks.text(span)) if span else None),
        parent_key=order.parent_key,
    )


def _codes(context: Context, raw: str) -> str | None:
    marks = context.marks
    codes = (known(repeat.split(marks.component, 1)[0]) for repeat in marks.repeats(raw))
    return " ".join(code for code in codes if code) or None


def _inherited(
    context: Context, own_time: str, order: Order, canonical: Canonical | None, flags: tuple[str, ...]
) -> tuple[datetime | None, Canonical | None, tuple[str, ...]]:
    """An OBX without a time of its own has that of its OBR, else that of the message; not to be scored where the message is about something else.

    A day alone begins at midnight, unless the OBR tells the hour of that day: a potassium of this morning is not older than last night's.
    """
    day = context.time(own_time) if own_time else None
    if day is not None:
        flags = (*flags, "date_only")
    elif own_time and known(own_time):
        flags = (*flags, "unreadable_time")
    if order.only_own_time and canonical is not None:
        canonical, flags = None, (*flags, "no_own_time")
    of_order = order.observed_at
    if day is not None and (of_order is None or not day <= of_order < day + DAY):
        return day, canonical, flags
    observed_at = of_order or context.sent_at
    return observed_at, canonical, flags if observed_at is not None else (*flags, "no_time")


def _status(sent: str, flags: tuple[str, ...]) -> tuple[ObservationStatus, tuple[str, ...]]:
    stated = STATUS.get(sent[:1].upper())
    return (stated, flags) if stated is not None else ("final", (*flags, "unknown_status"))
