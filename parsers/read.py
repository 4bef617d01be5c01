"""Reading one HL7 v2 message: any bytes in, a Message out, never an exception; every segment is counted in and accounted for."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from types import MappingProxyType

from msgspec import structs

from parsers import adt, documents, orders, results, unused
from parsers.context import Context, contexts_of
from parsers.envelope import Envelope, peek
from parsers.events import Event
from parsers.fields import at
from parsers.message import Message, Part, Patient, Reason, Subject, Unused
from parsers.profile import PLAIN, Profile

_DETAILS = {"TQ1", "RXO", "RXE", "RXR", "RXC", "RQD", "RQ1", "ODS", "BPO", "SPM"}
READ: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        family: frozenset({"MSH", "PID", "PV1", "DSC", *more})
        for family, more in {
            "ADT": {"EVN", "PD1", "PV2", "MRG", "ROL", "PRT", "IAM", "AL1", "OBX", "NTE"},
            "ORU": {"ORC", "OBR", "OBX", "NTE", "SPM"},
            "ORM": {"ORC", "OBR", "OBX", "NTE", *_DETAILS},
            "RX": {"ORC", "OBX", "NTE", "RXD", "RXG", "RXA", *_DETAILS},
            "MDM": {"EVN", "TXA", "OBX"},
            "": set(),
        }.items()
    }
)  # fmt: skip
"""Which segments of a kind of message are read; the others are set aside, by name."""

ORDERS = frozenset(
    {
        "ORM^O01", "OML^O21", "OML^O33", "OML^O35", "OML^O39", "OMG^O19", "OMI^O23", "OMD^O03", "OMS^O05", "OMN^O07", "OMB^O27", "OMP^O09", "RDE^O11",
        "RDE^O25", "RDE^O01", "RGV^O15", "RGV^O01",
    }
)  # fmt: skip
GIVEN = frozenset({"RAS^O17", "RAS^O01", "RDS^O13", "RDS^O01"})
"""What was asked for, and what was given or dispensed (the O01 are of before 2.4). RGV says what is to be given when."""

DRUGS = frozenset({"RDE", "OMP", "RGV"})
WITHOUT_PATIENT = frozenset({"ORU", "ORM", "RX"})
"""Whose PID is optional in every version (HL7 2.5.1, 4.4 and 7.3: a control of quality has no patient); an ADT or MDM must have one."""

OUL = frozenset({"OUL^R21", "OUL^R22", "OUL^R23", "OUL^R24"})


def read(raw: bytes, *, timezone: tzinfo | None = None, profile: Profile = PLAIN) -> Message:
    """What one message says. `timezone`: of the feed, for times without an offset (else the profile's, else UTC). Never raises on any bytes.

    >>> read(b"hello").ack, read(b"hello").reason.code
    ('AR', '100')
    """
    return read_envelope(peek(raw, profile), timezone=timezone, profile=profile)


def read_envelope(envelope: Envelope, *, timezone: tzinfo | None = None, profile: Profile = PLAIN) -> Message:
    """`read` for a message that is open already."""
    if envelope.fatal:
        return _message(envelope, [], envelope.reason, [], "")
    contexts = contexts_of(envelope, timezone, profile)
    if envelope.reason is not None:
        return _message(envelope, contexts, envelope.reason, [], "")
    name = _event(envelope, contexts[0], profile)
    family = family_of(name)
    found = _everything(envelope, contexts, name, family)
    if envelope.part is None or not family:
        return found
    if envelope.part.follows or found.reason is not None:  # what is missing may be in another part
        return _message(envelope, contexts, None, [], family, unused.ONE_PART, envelope.part)
    return structs.replace(found, part=envelope.part)


def _everything(envelope: Envelope, contexts: Sequence[Context], name: str, family: str) -> Message:
    """What a message says by itself, of each of its patients, or why not."""
    translated: list[tuple[Event, ...]] = []
    why = None
    for number, context in enumerate(contexts):
        found = _translate(context, family, name)
        if isinstance(found, tuple) and found and context.patient is None:
            found = _nobody(context, family)
        if isinstance(found, Reason):
            return _message(envelope, contexts, _counted(found, contexts[:number]), [], family)
        if isinstance(found, Unused):
            why, found = found.why, ()
        translated.append(found)
    return _message(envelope, contexts, None, translated, family, why or (unused.NO_RESULT if family == "ORU" else unused.why_unused(name)))


def _counted(reason: Reason, before: Sequence[Context]) -> Reason:
    """The same fault with its segment counted over the whole message."""
    segment = reason.detail[:3]
    further = sum(context.names.count(segment) for context in before)
    return structs.replace(reason, occurrence=reason.occurrence + further) if further else reason


def _event(envelope: Envelope, context: Context, profile: Profile) -> str:
    """MSH-9 as the feed means it; before 2.2 it may be the message's kind alone, and EVN-1 says the event (HL7 2.1, 2.4.4)."""
    sent = envelope.type or ""
    name = profile.events.get(sent, sent)
    if name == "ADT" and (evn := context.first("EVN")) is not None:
        return f"ADT^{at(evn, 1).strip()}"
    return "ORM^O01" if name == "ORM" else name


def _nobody(context: Context, family: str) -> Reason | Unused:
    """Why there is no patient. A PID that cannot be read, or a visit without one, is no message about nobody."""
    pid = context.first("PID")
    if pid is None:
        if any(name.strip().upper().startswith("PID") for name in context.names):
            return Reason(code="100", detail="PID: the name of the segment is not in capitals, or followed by no field separator")
        if family in WITHOUT_PATIENT and "PV1" not in context.names:
            return Unused(why=unused.NO_PATIENT)
        return Reason(code="100", detail=f"PID: {'a visit' if family in WITHOUT_PATIENT else 'this kind of message'} needs its patient")
    cut = any(context.marks.is_truncated(raw.split(context.marks.component, 1)[0]) for raw in pid[2:4])
    if cut:
        return Reason(code="102", detail="PID-3: the patient identifier is cut short, as its truncation character says")
    return Reason(code="101", detail="PID-3: the patient identifier is missing")


def family_of(name: str) -> str:
    """Which way a message of this type is read: a key of READ, empty for what is not."""
    kind, _, trigger = name.partition("^")
    if kind == "ADT":
        return "ADT"
    if name in OUL or (kind == "ORU" and (not trigger or trigger.startswith("R"))):
        return "ORU"
    if name in ORDERS:
        return "RX" if kind in DRUGS else "ORM"
    if name in GIVEN:
        return "RX"
    return "MDM" if kind == "MDM" and trigger in documents.ACTIONS else ""


def _translate(context: Context, family: str, name: str) -> tuple[Event, ...] | Reason | Unused:
    match family:
        case "ADT":
            return adt.translate(context, name.partition("^")[2])
        case "ORU":
            return results.translate(context)
        case "ORM" | "RX":
            return orders.translate(context, given=name in GIVEN)
        case "MDM":
            return documents.translate(context, name.partition("^")[2])
        case _:
            return ()


def _message(
    envelope: Envelope,
    contexts: Sequence[Context],
    reason: Reason | None,
    translated: Sequence[tuple[Event, ...]],
    family: str,
    why: str | None = None,
    part: Part | None = None,
) -> Message:
    """`why`: what to say where nothing came of it."""
    readable = READ[family] if envelope.part is None else READ[family] | {"ADD"}
    aside = () if readable.issuperset(envelope.names) else tuple(name[:3] for name in envelope.names if name not in readable)
    segments_in = len(envelope.segments) + envelope.joined
    first = contexts[0] if contexts else None
    events, others = _divided(contexts, translated)
    nothing = reason is None and not events and not others
    return Message(
        ack="AA" if reason is None else "AR" if envelope.fatal else "AE",
        reason=reason,
        type=envelope.type,
        version=envelope.version,
        control_id=envelope.control_id,
        sent_by=envelope.sent_by,
        sent_at=first.sent_at if first else None,
        segments_in=segments_in,
        segments_read=segments_in - len(aside),
        segments_set_aside=aside,
        patient=first.patient if first else None,
        person=first.person if first else None,
        visit=first.visit if first else None,
        events=events,
        flags=(*envelope.flags, "not_used") if nothing else envelope.flags,
        others=others,
        unused=why if nothing else None,
        part=part,
    )


def _divided(contexts: Sequence[Context], translated: Sequence[tuple[Event, ...]]) -> tuple[tuple[Event, ...], tuple[Subject, ...]]:
    """What is said of the first patient, and of each other one; a patient who comes again is the same."""
    if len(translated) < 2:
        return (translated[0] if translated else ()), ()
    mine: list[Event] = list(translated[0])
    others: dict[str, Subject] = {}
    first = contexts[0].patient
    for context, events in zip(contexts[1:], translated[1:], strict=True):
        patient: Patient | None = context.patient
        if patient is None or not events:
            continue
        if first is not None and patient.key == first.key:
            mine += events
            continue
        before = others.get(patient.key)
        others[patient.key] = Subject(
            patient=patient,
            person=context.person,
            visit=context.visit or (before.visit if before else None),
            events=(*(before.events if before else ()), *events),
        )
    return tuple(mine), tuple(others.values())
