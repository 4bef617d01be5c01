"""Result messages (ORU^R01 and kin) to observations: labs and vital signs, each with its time, status and what it replaces."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from msgspec import structs

from parsers.coded import Coded, coded
from parsers.context import Context, number_of
from parsers.envelope import UNENDED
from parsers.events import Event, Observation, ObservationStatus
from parsers.fields import at, known
from parsers.values import canonical_of, value_of

STATUS: Mapping[str, ObservationStatus] = MappingProxyType(
    {
        "P": "preliminary", "R": "preliminary", "S": "preliminary", "B": "preliminary", "A": "preliminary",
        "F": "final", "U": "final", "N": "final", "V": "final",
        "C": "corrected", "D": "deleted", "W": "wrong", "I": "incomplete", "O": "incomplete", "X": "incomplete",
    }
)  # fmt: skip
"""HL7 table 0085, and A of OBR-25 (table 0123: some results available)."""

NO_CODE = Coded()

NOT_BLOOD = re.compile(
    r"(?<!d)urin|csf|spinal|cerebro|liquor|pleura|ascit|periton|synovi|dialysate|drain|stool|fa?eces|sweat|saliva|fluid", re.I
)
"""In an order's service or specimen: what is measured is not the patient's blood, so names such as sodium mean another quantity."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What the OBX segments that follow inherit from their ORC and OBR."""

    number: str | None = None
    observed_at: datetime | None = None
    status: str | None = None
    blood: bool = True


def translate(context: Context) -> tuple[Event, ...]:
    """One observation an OBX, in order. An OBX without an identifier is kept and flagged `no_code`: it must not cost the potassium beside it."""
    events: list[Event] = []
    specimens = _specimens(context) if context.first("SPM") else {}
    order, placer_of_orc, filler_of_orc = _Order(), None, None
    for place, segment in enumerate(context.segments):
        match segment[0]:
            case "ORC":
                placer_of_orc, filler_of_orc = number_of(segment, 2, context.marks), number_of(segment, 3, context.marks)
            case "OBR":
                number = number_of(segment, 3, context.marks) or number_of(segment, 2, context.marks) or filler_of_orc or placer_of_orc
                blood = NOT_BLOOD.search(f"{at(segment, 4)}{at(segment, 15)}{specimens.get(place, '')}") is None
                order = _Order(number, context.time(at(segment, 7)), known(at(segment, 25)), blood)
            case "OBX":
                events.append(_observation(context, segment, order))
            case "NTE":
                _attach_note(events, context.marks.text(at(segment, 3)))
    _distrust_cut_value(context, events)
    return tuple(events)


def _distrust_cut_value(context: Context, events: list[Event]) -> None:
    """A message that stops inside OBX-5 without a line end may have said 120 where 12 arrived: kept, flagged, never scored."""
    last = context.segments[-1]
    if UNENDED in context.flags and last[0] == "OBX" and len(last) <= 6 and isinstance(events[-1], Observation):
        events[-1] = structs.replace(events[-1], canonical=None, flags=(*events[-1].flags, "cut_short"))


def _specimens(context: Context) -> dict[int, str]:
    """SPM-4 by the place of the OBR it follows (from 2.5 on the specimen comes after the results)."""
    found: dict[int, str] = {}
    specimen = ""
    for place in range(len(context.segments) - 1, -1, -1):
        match context.segments[place][0]:
            case "SPM":
                specimen = at(context.segments[place], 4)
            case "OBR":
                found[place], specimen = specimen, ""
    return found


def _attach_note(events: list[Event], text: str) -> None:
    """An NTE belongs to the OBX before it (HL7 2.5.1, 7.3.1); one before any OBX is about the order and says nothing of a value."""
    if events and isinstance(events[-1], Observation) and text.strip():
        last = events[-1]
        events[-1] = structs.replace(last, note=f"{last.note}\n{text}" if last.note else text)


def _observation(context: Context, obx: Sequence[str], order: _Order) -> Observation:
    marks = context.marks
    identifier = at(obx, 3)
    code = coded(identifier, "code", context.encoding, context.separator) if known(identifier) else NO_CODE
    sent_code = code.code or code.text or code.alternate_code
    raw = at(obx, 5)
    value = value_of(at(obx, 2).strip(), raw, marks)
    unit = coded(at(obx, 6), "unit", context.encoding, context.separator).code if known(at(obx, 6)) else None
    canonical, flags = canonical_of(code, value, raw, unit, marks, blood=order.blood)
    observed_at, time_flags = _time(context, at(obx, 14), order)
    sub_id = known(at(obx, 4))
    sent_status = (known(at(obx, 11)) or order.status or "F").upper()[:1]
    status_flags = () if sent_status in STATUS else ("unknown_status",)
    return Observation(
        code=sent_code or "",
        code_system=code.system if code.code else code.alternate_system,
        display=code.text,
        value_type=known(at(obx, 2)),
        value_num=value.num,
        value_text=value.text,
        comparator=value.comparator,
        unit=unit,
        observed_at=observed_at,
        status=STATUS.get(sent_status, "final"),
        set_id=known(at(obx, 1)),
        sub_id=sub_id,
        result_key=f"{order.number}|{sent_code}|{sub_id or ''}" if order.number and sent_code else None,
        flags=value.flags + (flags if sent_code else ("no_code",)) + time_flags + status_flags,
        canonical=canonical,
    )


def _time(context: Context, obx_14: str, order: _Order) -> tuple[datetime | None, tuple[str, ...]]:
    """OBX-14, else OBR-7, else MSH-7."""
    own = context.time(obx_14)
    flags = () if known(obx_14) is None or own is not None else ("unreadable_time",)
    observed_at = own or order.observed_at or context.sent_at
    if observed_at is None:
        return None, (*flags, "no_time")
    return observed_at, (*flags, "no_time_zone") if context.zone_assumed else flags
