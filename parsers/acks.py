"""The acknowledgements of a message: MSA and ERR in the sender's own delimiters and version (HL7 2.5.1, 2.9 and 2.13.1)."""

from datetime import UTC, datetime
from typing import Literal

from parsers.envelope import Envelope
from parsers.fields import delimiters
from parsers.message import Reason

Answer = Literal["AA", "AE", "AR"]
COMMIT = {"AA": "CA", "AE": "CE", "AR": "CR"}
"""Enhanced mode: that the message is safe is a commit acknowledgement, what came of it an application acknowledgement (HL7 2.5.1, 2.9.3)."""

WANTED = {"AL": ("AA", "AE", "AR"), "ER": ("AE", "AR"), "SU": ("AA",), "NE": ()}
"""HL7 table 0155: when the sender wants to hear. In enhanced mode a field left empty wants nothing; a word that is none of these wants all."""


def acknowledge(
    envelope: Envelope, answer: Answer, reason: Reason | None, control_id: str, now: datetime, *, heed: bool = True
) -> tuple[bytes, ...]:
    """The acknowledgements' bytes without framing, in the order they are sent; none for an acknowledgement, and where the sender wants none.

    `control_id`: of the acknowledgement itself. Original mode has one answer, AA, AE or AR. Enhanced mode (MSH-15 or MSH-16 is valued) has the
    commit acknowledgement (CA, CE, CR) as MSH-15 wants it, then the application's (AA, AE, AR) as MSH-16 does. Without `heed` both fields are
    passed over, and every message is answered as in original mode. Of a message that comes in parts each is committed, and the application
    speaks after the last (HL7 2.5.1, 2.10.2).
    """
    if (envelope.type or "").startswith(("ACK", "MCF")):
        return ()
    enhanced = heed and bool(envelope.accept_ack or envelope.application_ack)
    if not enhanced:
        return () if envelope.answers else (_acknowledgement(envelope, answer, reason, control_id, now),)
    codes = [COMMIT[answer]] if _wants(envelope.accept_ack, answer) else []
    goes_on = envelope.part is not None and bool(envelope.part.pointer) and answer == "AA"
    codes += [answer] if not goes_on and not envelope.answers and _wants(envelope.application_ack, answer) else []
    return tuple(
        _acknowledgement(envelope, code, reason, f"{control_id}{'-2' if number else ''}", now) for number, code in enumerate(codes)
    )


def _wants(field: str, answer: Answer) -> bool:
    return bool(field) and answer in WANTED.get(field, WANTED["AL"])


def _acknowledgement(envelope: Envelope, code: str, reason: Reason | None, control_id: str, now: datetime) -> bytes:
    separator = envelope.separator
    marks = envelope.encoding if envelope.segments else "^~\\&"
    component = marks[0]
    trigger = (envelope.type or "").partition("^")[2]
    kind = f"ACK{component}{trigger}" if trigger else "ACK"
    head = [
        "MSH", marks, envelope.msh(5), envelope.msh(6), envelope.msh(3), envelope.msh(4), now.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000"), "", kind,
        control_id, envelope.processing_id or "P", envelope.version or "2.5.1",
    ]  # fmt: skip
    if not "".join(head).isascii():  # the names of the two parties, as the sender wrote them
        head += ["", "", "", "", "", "UNICODE UTF-8"]
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
        return separator.join(["ERR", component.join((segment, str(reason.occurrence), field, marks[3:4].join(triple)))])
    place = component.join((segment, str(reason.occurrence), *([field] if field else [])))
    code = component.join(triple)
    return separator.join(["ERR", "", place, code, "E", "", "", detail])


def _escaped(text: str, separator: str, marks: str) -> str:
    """Our own words with whatever the sender uses as a delimiter escaped; a sender without four of them gets them as they are."""
    return delimiters(separator, marks).escaped(text) if len(marks) in (4, 5) and len(set(marks + separator)) == len(marks) + 1 else text


ERROR_TEXT = {
    "100": "Segment sequence error", "101": "Required field missing", "102": "Data type error", "103": "Table value not found", "200": "Unsupported message type",
    "201": "Unsupported event code", "202": "Unsupported processing id", "203": "Unsupported version id", "204": "Unknown key identifier",
    "205": "Duplicate key identifier", "206": "Application record locked", "207": "Application internal error",
}  # fmt: skip
"""HL7 table 0357."""
