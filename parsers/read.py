"""Reading one HL7 v2 message: any bytes in, a Message out, never an exception; every segment is counted in and accounted for."""

from datetime import UTC, tzinfo

from parsers import adt, documents, orders, results
from parsers.context import Context, context_of
from parsers.envelope import Envelope, peek
from parsers.events import Event
from parsers.message import Message, Reason

READ = {
    "ADT": {"MSH", "EVN", "PID", "PV1", "MRG"},
    "ORU": {"MSH", "PID", "PV1", "ORC", "OBR", "OBX", "NTE"},
    "ORM": {"MSH", "PID", "PV1", "ORC", "OBR", "TQ1", "RXO", "RXE", "RQD", "ODS"},
    "MDM": {"MSH", "EVN", "PID", "PV1", "TXA", "OBX"},
}
"""Which segments of a kind of message are read; the others are set aside, by name."""

RESULTS = {"ORU^R01", "ORU^R03", "ORU^R30", "ORU^R32"}
ORDERS = {"ORM^O01", "OML^O21", "OMG^O19"}
DOCUMENTS = {f"MDM^T{number:02d}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)}
NOT_ANSWERED = {"ACK", "MCF"}
"""Acknowledgements: taken note of, never acknowledged themselves (HL7 2.5.1, 2.9)."""


def read(raw: bytes, *, timezone: tzinfo = UTC) -> Message:
    """What one message says. `timezone`: of the feed, for times without an offset. Never raises on any bytes.

    >>> read(b"hello").ack, read(b"hello").reason.code
    ('AR', '100')
    """
    return read_envelope(peek(raw), timezone=timezone)


def read_envelope(envelope: Envelope, *, timezone: tzinfo = UTC) -> Message:
    """`read` for a message that is open already."""
    if envelope.reason is not None:
        context = None if envelope.fatal else context_of(envelope, timezone)
        return _message(envelope, context, envelope.reason, (), fatal=envelope.fatal)
    context = context_of(envelope, timezone)
    kind, _, trigger = (envelope.type or "").partition("^")
    family, translated = _translate(context, kind, trigger)
    if isinstance(translated, Reason):
        return _message(envelope, context, translated, (), family=family)
    if translated and context.patient is None:
        return _message(envelope, context, Reason(code="101", detail="PID-3: the patient identifier is missing"), (), family=family)
    return _message(envelope, context, None, translated, family=family)


def _translate(context: Context, kind: str, trigger: str) -> tuple[str, tuple[Event, ...] | Reason]:
    name = f"{kind}^{trigger}"
    if kind == "ADT":
        return "ADT", adt.translate(context, trigger)
    if name in RESULTS or (kind == "ORU" and not trigger):
        return "ORU", results.translate(context)
    if name in ORDERS:
        return "ORM", orders.translate(context)
    if name in DOCUMENTS:
        return "MDM", documents.translate(context)
    return kind, ()


def _message(
    envelope: Envelope, context: Context | None, reason: Reason | None, events: tuple[Event, ...], *, fatal: bool = False, family: str = ""
) -> Message:
    readable = READ.get(family, {"MSH", "PID", "PV1"})
    aside = tuple(segment[0][:3] for segment in envelope.segments if segment[0] not in readable)
    return Message(
        ack="AA" if reason is None else "AR" if fatal else "AE",
        reason=reason,
        type=envelope.type,
        version=envelope.version,
        control_id=envelope.control_id,
        sent_by=envelope.sent_by,
        sent_at=context.sent_at if context else None,
        segments_in=len(envelope.segments),
        segments_read=len(envelope.segments) - len(aside),
        segments_set_aside=aside,
        patient=context.patient if context else None,
        person=context.person if context else None,
        visit=context.visit if context else None,
        events=events,
        flags=(*envelope.flags, *(() if events or reason else ("not_used",))),
    )
