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
    detail = _escaped(reason.detail, separator, marks) if reason else None
    lines = [separator.join(head), separator.join(["MSA", code, envelope.msh(10).strip(), *([detail] if detail else [])])]
    if reason is not None and detail is not None:
        lines.append(_error(reason, detail, separator, marks, old=(envelope.version or "2.5.1") < "2.5"))
    return ("\r".join(lines) + "\r").encode("utf-8", "replace")


def _error(reason: Reason, detail: str, separator: str, marks: str, *, old: bool) -> str:
    """ERR-2 where (segment, sequence, field), ERR-3 the code of table 0357, ERR-4 severity, ERR-7 what is wrong; before 2.5 ERR-1 says the first two."""
    component = marks[0]
    segment, _, field = reason.detail.partition(":")[0].partition("-")
    triple = (reason.code, ERROR_TEXT.get(reason.code, "Application internal error"), "HL70357")
    if old:
        return separator.join(["ERR", component.join((segment, "1", field, marks[3:4].join(triple)))])
    place = component.join((segment, "1", field)) if field else segment
    code = component.join(triple)
    return separator.join(["ERR", "", place, code, "E", "", "", detail])


def _escaped(text: str, separator: str, marks: str) -> str:
    """Our own words, which hold no escape character, with whatever the sender uses as a delimiter escaped."""
    for mark, letter in zip((separator, marks[0], marks[1:2], marks[3:4]), "FSRT", strict=True):
        text = text.replace(mark, f"{marks[2:3]}{letter}{marks[2:3]}") if mark else text
    return text


ERROR_TEXT = {
    "100": "Segment sequence error", "101": "Required field missing", "102": "Data type error", "103": "Table value not found", "200": "Unsupported message type",
    "201": "Unsupported event code", "202": "Unsupported processing id", "203": "Unsupported version id", "204": "Unknown key identifier",
    "205": "Duplicate key identifier", "206": "Application record locked", "207": "Application internal error",
}  # fmt: skip
"""HL7 table 0357."""
