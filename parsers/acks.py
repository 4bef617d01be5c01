"""The acknowledgement of a message: MSA and ERR in the sender's own delimiters and version (HL7 2.5.1, 2.9 and 2.13.1)."""

from datetime import UTC, datetime
from typing import Literal

from parsers.envelope import Envelope
from parsers.message import Reason

Answer = Literal["AA", "AE", "AR"]
COMMIT = {"AA": "CA", "AE": "CE", "AR": "CR"}
"""Enhanced mode: what the listener says is that the message is safe, which is a commit acknowledgement (HL7 2.5.1, 2.9.3)."""

WANTED = {"AL": ("AA", "AE", "AR"), "ER": ("AE", "AR"), "SU": ("AA",), "NE": (), "": ("AA", "AE", "AR")}
"""HL7 table 0155: when the sender wants to hear."""


def acknowledge(
    envelope: Envelope, answer: Answer, reason: Reason | None, control_id: str, now: datetime, *, heed: bool = True
) -> bytes | None:
    """The ACK's bytes without framing; None where none may be sent: for an acknowledgement, and where MSH-15 says so.

    `control_id`: of the acknowledgement itself. Enhanced mode (MSH-15 or MSH-16 is valued) is answered with CA, CE or CR; without `heed`
    both fields are passed over, and every message is answered as in original mode.
    """
    if (envelope.type or "").startswith(("ACK", "MCF")):
        return None
    enhanced = heed and bool(envelope.accept_ack or envelope.application_ack)
    if enhanced and answer not in WANTED.get(envelope.accept_ack, WANTED[""]):
        return None
    separator = envelope.separator
    marks = envelope.encoding if envelope.segments else "^~\\&"
    component = marks[0]
    trigger = (envelope.type or "").partition("^")[2]
    kind = f"ACK{component}{trigger}" if trigger else "ACK"
    head = [
        "MSH", marks, envelope.msh(5), envelope.msh(6), envelope.msh(3), envelope.msh(4), now.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000"), "", kind,
        control_id, envelope.processing_id or "P", envelope.version or "2.5.1",
    ]  # fmt: skip
    code = COMMIT[answer] if enhanced else answer
    lines = [separator.join(head), separator.join(["MSA", code, envelope.msh(10).strip(), *([reason.detail] if reason else [])])]
    if reason is not None:
        lines.append(_error(reason, separator, component))
    return ("\r".join(lines) + "\r").encode("utf-8", "replace")


def _error(reason: Reason, separator: str, component: str) -> str:
    """ERR-2 where (segment, sequence, field), ERR-3 the code of table 0357, ERR-4 severity, ERR-7 what is wrong."""
    where, _, _ = reason.detail.partition(":")
    segment, _, field = where.partition("-")
    place = component.join((segment, "1", field)) if field else segment
    code = component.join((reason.code, ERROR_TEXT.get(reason.code, "Application internal error"), "HL70357"))
    return separator.join(["ERR", "", place, code, "E", "", "", reason.detail])


ERROR_TEXT = {
    "100": "Segment sequence error", "101": "Required field missing", "102": "Data type error", "103": "Table value not found", "200": "Unsupported message type",
    "201": "Unsupported event code", "202": "Unsupported processing id", "203": "Unsupported version id", "204": "Unknown key identifier",
    "205": "Duplicate key identifier", "206": "Application record locked", "207": "Application internal error",
}  # fmt: skip
"""HL7 table 0357."""
