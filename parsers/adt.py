"""ADT messages to events: who comes, moves, leaves, what of that is taken back, and what is said beside it."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from msgspec import structs

from parsers import results
from parsers.allergies import allergies
from parsers.context import Context
from parsers.events import (
    Admit,
    Cancel,
    Cancelled,
    Discharge,
    Event,
    Leave,
    Movement,
    Person,
    Tracking,
    Transfer,
    Update,
    Visit,
)
from parsers.fields import at
from parsers.merges import MERGES, merges
from parsers.message import Reason, Unused
from parsers.resuscitation import stated_in_visit
from parsers.team import team

ADMITS = frozenset({"A01", "A04"})
MOVES = frozenset({"A02", "A06", "A07", "A10", "A17"})
"""A06 and A07 change the class of a stay and with it, where PV1-3 says so, the place; each patient of an A17 (swap) has the new bed in PV1-3."""

UPDATES = frozenset(
    {"A05", "A08", "A14", "A15", "A16", "A25", "A26", "A27", "A28", "A31", "A32", "A33", "A38", "A54", "A55", "A61", "A62"}
)  # fmt: skip
"""What changes no place: plans and their withdrawal (A05, A14–A16, A25–A27, A38), who treats (A54, A55, A61, A62), tracking taken back (A32, A33)."""

CANCELS: Mapping[str, Cancelled] = MappingProxyType(
    {"A11": "admit", "A12": "transfer", "A13": "discharge", "A52": "leave", "A53": "return"}
)


def translate(context: Context, trigger: str) -> tuple[Event, ...] | Reason | Unused:
    """The events of one ADT message, or why it has none of what it must have. A trigger Vigil has no use for gives ()."""
    happened_at = _happened_at(context)
    if trigger in MERGES:
        return merges(context, trigger, happened_at)
    movement = None if trigger == "A60" else _movement(context, trigger, happened_at)
    if movement is None and trigger != "A60":
        return ()
    return (*([movement] if movement else []), *_beside(context, happened_at))


def _beside(context: Context, happened_at: datetime | None) -> list[Event]:
    """Treatment team, precautions, code status, allergies and observations."""
    return [
        *team(context, happened_at),
        *stated_in_visit(context, happened_at),
        *allergies(context, happened_at),
        *results.carried(context),
    ]


def _happened_at(context: Context) -> datetime | None:
    """EVN-6 (when it happened), else EVN-2 (when it was recorded), else MSH-7."""
    evn = context.first("EVN")
    stated = context.time(at(evn, 6)) or context.time(at(evn, 2)) if evn else None
    return stated or context.sent_at


def _movement(context: Context, trigger: str, happened_at: datetime | None) -> Movement | None:
    visit, person = context.visit or Visit(), context.person or Person()
    if trigger in CANCELS:
        return Cancel(
            cancels=CANCELS[trigger], occurred_at=happened_at, visit=_restored(context, trigger, visit), person=person,
        )  # fmt: skip
    if trigger in ("A21", "A22"):
        return Leave(returned=trigger == "A22", occurred_at=happened_at, visit=visit, person=person)
    if trigger == "A09" or (trigger == "A10" and (visit.temporary_location or not visit.location)):
        return Tracking(arrived=trigger == "A10", occurred_at=happened_at, visit=visit, person=person)
    kind = _kind(trigger, visit)
    return kind(occurred_at=happened_at, visit=visit, person=person) if kind else None


def _kind(trigger: str, visit: Visit) -> type[Admit | Transfer | Discharge | Update] | None:
    if trigger in ADMITS:
        return Admit
    if trigger in MOVES:
        return Transfer if trigger == "A02" or visit.location else Update
    if trigger == "A03":
        return Discharge
    return Update if trigger in UPDATES else None


def _restored(context: Context, trigger: str, visit: Visit) -> Visit:
    """After an A12 the patient is where PV1-3 says (HL7 2.5.1, 3.3.12), in PV1-6 at sites that say so or leave PV1-3 empty."""
    if trigger != "A12" or visit.previous_location is None:
        return visit
    if visit.location is None or context.profile.cancelled_transfer == "PV1-6":
        return structs.replace(visit, location=visit.previous_location)
    return visit
