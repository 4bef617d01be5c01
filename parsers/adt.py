"""ADT messages to events: who comes, moves, leaves, and what of that is taken back."""

from datetime import datetime

from parsers.context import Context
from parsers.events import Admit, Cancel, Cancelled, Discharge, Event, Merge, Person, Transfer, Update, Visit
from parsers.fields import at
from parsers.identity import choose
from parsers.message import Reason

ADMITS = {"A01", "A04"}
TRANSFERS = {"A02"}
DISCHARGES = {"A03"}
UPDATES = {"A05", "A06", "A07", "A08", "A28", "A31"}
CANCELS: dict[str, Cancelled] = {"A11": "admit", "A12": "transfer", "A13": "discharge"}
MERGES = {"A18", "A34", "A36", "A39", "A40"}
"""A18, A34 and A36 are the forms of A40 before 2.3.1 (HL7 2.5.1, 3.3.40)."""


def translate(context: Context, trigger: str) -> tuple[Event, ...] | Reason:
    """The events of one ADT message, or why it has none of what it must have. A trigger Vigil has no use for gives ()."""
    occurred_at = _occurred_at(context)
    visit, person = context.visit or Visit(), context.person or Person()
    if trigger in MERGES:
        return _merge(context, occurred_at)
    if trigger in CANCELS:
        return (Cancel(cancels=CANCELS[trigger], occurred_at=occurred_at, visit=visit, person=person),)
    if trigger in UPDATES:
        return (Update(occurred_at=occurred_at, visit=visit, person=person),)
    kind = Admit if trigger in ADMITS else Transfer if trigger in TRANSFERS else Discharge if trigger in DISCHARGES else None
    if kind is None:
        return ()
    return (kind(occurred_at=occurred_at, visit=visit, person=person),)


def _occurred_at(context: Context) -> datetime | None:
    """EVN-6 (when it happened), else EVN-2 (when it was recorded), else MSH-7."""
    evn = context.first("EVN")
    stated = context.time(at(evn, 6)) or context.time(at(evn, 2)) if evn else None
    return stated or context.sent_at


def _merge(context: Context, occurred_at: datetime | None) -> tuple[Event, ...] | Reason:
    merges: list[Event] = []
    for segment in context.segments:
        if segment[0] == "MRG":
            former = choose(at(segment, 1), context.marks) or choose(at(segment, 4), context.marks)
            if former is None:
                return Reason(code="101", detail="MRG-1: the identifier that is merged away is missing")
            merges.append(Merge(occurred_at=occurred_at, from_key=former.key))
    return tuple(merges) or Reason(code="100", detail="MRG: a merge needs the identifier that is merged away")
