"""Which of a message's identifiers it is keyed by: the patient key, the same for the listener and the reader."""

from collections.abc import Sequence

from parsers.envelope import Envelope, peek
from parsers.fields import Delimiters, at, delimiters, known
from parsers.message import Patient

PREFERRED_TYPES = ("MR", "MRN", "PI", "PN", "PT")
"""HL7 table 0203: medical record number, and patient internal identifiers; a national number is no key, it may be missing or shared."""


def patient_in(segments: Sequence[Sequence[str]], marks: Delimiters) -> Patient | None:
    """The patient of a message: PID-3 by preferred type, else its first identifier with a number, else PID-2 (HL7 2.1–2.2)."""
    for segment in segments:
        if segment[0] == "PID":
            return choose(at(segment, 3), marks) or choose(at(segment, 2), marks)
    return None


def choose(raw: str, marks: Delimiters) -> Patient | None:
    """The identifier (CX) that keys a patient, out of a repeating field; None where it holds no number."""
    candidates = [patient for repeat in marks.repeats(raw) if (patient := _identifier(repeat, marks)) is not None]
    for preferred in PREFERRED_TYPES:
        for candidate in candidates:
            if candidate.type == preferred:
                return candidate
    return candidates[0] if candidates else None


def _identifier(raw: str, marks: Delimiters) -> Patient | None:
    parts = marks.parts(raw)
    number = known(parts[0])
    if number is None:
        return None
    assigner = known(parts[3].split(marks.subcomponent)[0]) if len(parts) > 3 else None
    kind = known(parts[4]) if len(parts) > 4 else None
    authority = marks.text(assigner) if assigner is not None else None
    return Patient(key=f"{authority or ''}:{marks.text(number)}", authority=authority, type=kind.upper() if kind else None)


def patient_key(envelope: Envelope) -> str | None:
    """The key that the listener writes on Kafka; equal to what reading the whole message gives."""
    if envelope.fatal or not envelope.segments:
        return None
    patient = patient_in(envelope.segments, delimiters(envelope.separator, envelope.encoding))
    return patient.key if patient else None


def key_of(raw: bytes) -> str | None:
    """`patient_key` of a raw message.

    >>> key_of(b"MSH|^~\\\\&|A|B|||20260101||ADT^A01|1|P|2.5\\rPID|1||77^^^NHS^NH~42^^^HOSP^MR\\r")
    'HOSP:42'
    """
    return patient_key(peek(raw))
