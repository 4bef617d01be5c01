"""Order messages (ORM, OML, OMG, OMP, RDE, RDS, RAS) to orders and medications."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from parsers import results
from parsers.coded import Coded
from parsers.context import Context, number_of
from parsers.events import Event, Medication, Order
from parsers.fields import at, component, known
from parsers.medications import DRUGS, medications
from parsers.message import Reason

SERVICE = {"OBR": 4, "RXO": 1, "RQD": 2, "RXE": 2, "RXG": 4, "ODS": 3, "RQ1": 2, "BPO": 2}
"""Segments that say what an ORC orders, and the field that does."""

Segment = Sequence[str]


@dataclass(slots=True)
class Ordered:
    """One ORC with the segments up to the next; an OBR alone (HL7 2.1–2.2) is an order too. `firsts`: the first segment of each name."""

    orc: Segment = ()
    segments: list[Segment] = field(default_factory=list)
    firsts: dict[str, Segment] = field(default_factory=dict)

    def add(self, segment: Segment) -> None:
        """One more segment of this order."""
        self.segments.append(segment)
        self.firsts.setdefault(segment[0], segment)

    def first(self, name: str) -> Segment | None:
        """The first segment of that name in this order."""
        return self.firsts.get(name)

    def timing(self, context: Context, number: int) -> str | None:
        """A component of the quantity/timing that was there before TQ1 (ORC-7, RXE-1, RXG-3): 4 says when it begins, 6 its priority."""
        places = ((self.orc, 7), (self.first("RXE"), 1), (self.first("RXG"), 3))
        found = (component(context.marks, at(segment, field), number) for segment, field in places if segment)
        return next((one for one in found if one is not None), None)

    @property
    def says_something(self) -> bool:
        """Whether anything is ordered or given."""
        return bool(self.orc) or any(name in self.firsts for name in (*SERVICE, "RXA"))


def translate(context: Context, *, given: bool = False) -> tuple[Event, ...] | Reason:
    """An order for each ORC with each detail segment that follows it, a medication for each drug. `given`: the message tells of what was done, not asked for."""
    events: list[Event] = []
    for ordered in _orders(context):
        found: list[Medication] = medications(context, ordered)
        if not given:
            details = [segment for segment in ordered.segments if segment[0] in SERVICE]
            drugs = [segment for segment in details if segment[0] in DRUGS]
            asked = [segment for segment in details if segment[0] not in DRUGS] + drugs[-1:]  # RXE says anew what RXO asked for
            events += [_order(context, ordered, segment) for segment in asked] or [_order(context, ordered, None)]
        events += found
    if not events:
        return Reason(code="100", detail="ORC: an order message needs an order")
    return (*events, *results.carried(context))


def _orders(context: Context) -> Iterator[Ordered]:
    """What stands before the first ORC belongs to an order only where it holds a detail."""
    current = Ordered()
    for segment in context.segments:
        if segment[0] == "ORC":
            if current.says_something:
                yield current
            current = Ordered(orc=segment)
        elif segment[0] not in ("MSH", "PID", "PV1"):
            current.add(segment)
    if current.says_something:
        yield current


def _order(context: Context, ordered: Ordered, detail: Segment | None) -> Order:
    marks = context.marks
    orc = ordered.orc
    service = context.coded(at(detail, SERVICE[detail[0]])) if detail is not None else Coded()
    obr = detail if detail is not None and detail[0] == "OBR" else ()
    return Order(
        control=known(at(orc, 1)),
        placer_number=number_of(orc, 2, marks) or number_of(obr, 2, marks),
        filler_number=number_of(orc, 3, marks) or number_of(obr, 3, marks),
        code=service.code,
        code_system=service.system,
        display=service.text,
        status=known(at(orc, 5)),
        priority=priority(context, ordered, obr),
        ordered_at=context.time(at(orc, 9)) or context.time(at(obr, 6)) or context.sent_at,
        ordered_by=component(marks, at(orc, 12), 1) or component(marks, at(obr, 16), 1),
        parent_number=component(marks, at(orc, 8), 1),
    )


def priority(context: Context, ordered: Ordered, obr: Segment = ()) -> str | None:
    """TQ1-9 (from 2.5), else the sixth component of ORC-7, OBR-27, RXE-1 or RXG-3 (the quantity/timing of old), else OBR-5 (before 2.4)."""
    tq1 = ordered.first("TQ1")
    stated = component(context.marks, at(tq1, 9), 1) if tq1 is not None else None
    return stated or ordered.timing(context, 6) or component(context.marks, at(obr, 27), 6) or known(at(obr, 5))
