"""Order messages (ORM^O01, OML^O21 and kin) to orders."""

from collections.abc import Sequence

from parsers.coded import Coded, coded
from parsers.context import Context, number_of
from parsers.events import Event, Order
from parsers.fields import at, component, known
from parsers.message import Reason

DETAILS = {"OBR", "RXO", "RQD", "RXE", "ODS"}
"""Segments that say what an ORC orders."""


def translate(context: Context) -> tuple[Event, ...] | Reason:
    """One order for each ORC with each detail segment that follows it; an OBR alone (HL7 2.1–2.2) is an order too."""
    events: list[Event] = []
    orc: Sequence[str] | None = None
    detailed = True
    for segment in context.segments:
        if segment[0] == "ORC":
            if orc is not None and not detailed:
                events.append(_order(context, orc, None))
            orc, detailed = segment, False
        elif segment[0] in DETAILS:
            events.append(_order(context, orc, segment))
            detailed = True
    if orc is not None and not detailed:
        events.append(_order(context, orc, None))
    return tuple(events) or Reason(code="100", detail="ORC: an order message needs an order")


def _order(context: Context, orc: Sequence[str] | None, detail: Sequence[str] | None) -> Order:
    marks = context.marks
    head = orc or ()
    is_obr = detail is not None and detail[0] == "OBR"
    service_raw = (
        at(detail, 4) if is_obr and detail else at(detail, 1) if detail and detail[0] == "RXO" else at(detail, 2) if detail else ""
    )
    service = coded(service_raw, "service", context.encoding, context.separator) if known(service_raw) else Coded()
    obr = detail if is_obr and detail is not None else ()
    return Order(
        control=known(at(head, 1)),
        placer_number=number_of(head, 2, marks) or number_of(obr, 2, marks),
        filler_number=number_of(head, 3, marks) or number_of(obr, 3, marks),
        code=service.code,
        code_system=service.system,
        display=service.text,
        status=known(at(head, 5)),
        priority=_priority(context, head, obr),
        ordered_at=context.time(at(head, 9)) or context.time(at(obr, 6)) or context.sent_at,
    )


def _priority(context: Context, orc: Sequence[str], obr: Sequence[str]) -> str | None:
    """TQ1-9 (from 2.5), else the sixth component of ORC-7 or OBR-27 (the quantity/timing of old), else OBR-5 (before 2.4)."""
    tq1 = context.first("TQ1")
    stated = component(context.marks, at(tq1, 9), 1) if tq1 is not None else None
    return stated or component(context.marks, at(orc, 7), 6) or component(context.marks, at(obr, 27), 6) or known(at(obr, 5))
