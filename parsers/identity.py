"""Which of a message's identifiers it is keyed by: the patient key, the same for the listener and the reader."""

from collections.abc import Sequence

from parsers.envelope import Envelope, peek
from parsers.fields import Delimiters, at, delimiters, known
from parsers.message import Patient
from parsers.profile import PLAIN, Profile


def patient_in(segments: Sequence[Sequence[str]], marks: Delimiters, profile: Profile = PLAIN) -> Patient | None:
    """The patient of a message: PID-3 by preferred type, else its first identifier with a number, else PID-2 (HL7 2.1–2.2)."""
    for segment in segments:
        if segment[0] == "PID":
            return choose(at(segment, 3), marks, profile) or choose(at(segment, 2), marks, profile)
    return None


def choose(raw: str, marks: Delimiters, profile: Profile = PLAIN) -> Patient | None:
    """The identifier (CX) that keys a patient, out of a repeating field: by the feed's authorities, then its types, then the first; None without a number."""
    candidates = identifiers(raw, marks)
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    return min(candidates, key=lambda one: (_rank(one.authority, profile.authorities), _rank(one.type, profile.identifier_types)))


def _rank(value: str | None, preferred: Sequence[str]) -> int:
    return preferred.index(value) if value in preferred else len(preferred)


def identifiers(raw: str, marks: Delimiters) -> list[Patient]:
    """Every identifier with a number in a repeating CX, in order."""
    if marks.repetition not in raw:
        only = _identifier(raw, marks)
        return [] if only is None else [only]
    return [patient for repeat in marks.repeats(raw) if (patient := _identifier(repeat, marks)) is not None]


def _identifier(raw: str, marks: Delimiters) -> Patient | None:
    parts = marks.parts(raw)
    number = known(parts[0])
    if number is None or marks.is_truncated(number):
        return None
    assigner = known(parts[3].split(marks.subcomponent)[0]) if len(parts) > 3 else None
    kind = known(parts[4]) if len(parts) > 4 else None
    authority = marks.text(assigner) if assigner is not None else None
    return Patient(key=f"{authority or ''}:{marks.text(number)}", authority=authority, type=kind.upper() if kind else None)


def patient_key(envelope: Envelope, profile: Profile = PLAIN) -> str | None:
    """The key that the listener writes on Kafka; equal to what reading the whole message gives."""
    if envelope.fatal or not envelope.segments:
        return None
    patient = patient_in(envelope.segments, delimiters(envelope.separator, envelope.encoding), profile)
    return patient.key if patient else None


def key_of(raw: bytes, profile: Profile = PLAIN) -> str | None:
    """`patient_key` of a raw message.

    >>> key_of(b"MSH|^~\\\\&|A|B|||20260101||ADT^A01|1|P|2.5\\rPID|1||77^^^NHS^NH~42^^^HOSP^MR\\r")
    'HOSP:42'
    """
    return patient_key(peek(raw, profile), profile)
