"""What reading one HL7 message gives: who it is about, what it says, what was set aside, and how to acknowledge it."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from parsers.events import Event, Person, Visit


class Reason(Struct, frozen=True, kw_only=True, gc=False):
    """Why a message is refused: an HL7 table 0357 code and a text naming segment, field and rule, never its content.

    `occurrence`: which of the segments of that name it is about, counted from 1 over the whole message (ERL.2, HL7 2.5.1, 2.A.28).
    """

    code: str
    detail: str
    occurrence: int = 1


class Unused(Struct, frozen=True, kw_only=True, gc=False):
    """Why a message that is well-formed gives nothing; never its content."""

    why: str


class Part(Struct, frozen=True, kw_only=True, gc=False):
    """Where a message stands among those that continue one another: `follows` MSH-14, empty for the first; `pointer` DSC-1, empty for the last."""

    follows: str
    pointer: str


class Patient(Struct, frozen=True, kw_only=True, gc=False):
    """The identifier a message is keyed by. `key` is `authority:number` (`:number` where no authority was sent) and is PHI."""

    key: str
    authority: str | None
    type: str | None


class Subject(Struct, frozen=True, kw_only=True, gc=False):
    """One patient more that a message speaks of, with what it says of them."""

    patient: Patient
    person: Person | None = None
    visit: Visit | None = None
    events: tuple[Event, ...] = ()


class Message(Struct, frozen=True, kw_only=True, gc=False):
    """One HL7 message read as far as it can be.

    `ack` is what its sender is told: AA taken, AE the content is wrong, AR the message cannot be taken at all (HL7 chapter 2,
    2.9.2). `reason` is set exactly where `ack` is not AA. `type` is MSH-9 as `ADT^A01`. `segments_set_aside` names segments that were
    counted in and not read, Z-segments included. `person` and `visit` are what PID and PV1 say in any type of message. `others`: the
    further patients of a message about several, each with events of its own; `events` never holds theirs. `unused`: why a message that
    is taken gives no event at all. `part`: set where the message is one part of a longer one; `events` are then what it says by itself,
    and nothing is to be made of them before the others have come.
    """

    ack: Literal["AA", "AE", "AR"]
    reason: Reason | None = None
    type: str | None = None
    version: str | None = None
    control_id: str | None = None
    sent_by: str | None = None
    sent_at: datetime | None = None
    segments_in: int = 0
    segments_read: int = 0
    segments_set_aside: tuple[str, ...] = ()
    patient: Patient | None = None
    person: Person | None = None
    visit: Visit | None = None
    events: tuple[Event, ...] = ()
    flags: tuple[str, ...] = ()
    others: tuple[Subject, ...] = ()
    unused: str | None = None
    part: Part | None = None
