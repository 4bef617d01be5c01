"""One opened message with what every translation needs: segments, delimiters, patient, visit and the zone its times are in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from parsers.envelope import Envelope
from parsers.events import Person, Visit
from parsers.fields import Delimiters, at, delimiters, known
from parsers.identity import patient_in
from parsers.message import Patient
from parsers.person import person_of, visit_of
from parsers.times import has_offset, offset_of, parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """`zone`: for times without an offset of their own: MSH-7's offset, else the feed's zone; `zone_assumed` tells which."""

    segments: Sequence[Sequence[str]]
    marks: Delimiters
    encoding: str
    separator: str
    zone: tzinfo
    zone_assumed: bool
    sent_at: datetime | None
    flags: tuple[str, ...] = ()
    patient: Patient | None
    person: Person | None
    visit: Visit | None

    def first(self, name: str) -> Sequence[str] | None:
        """The first segment of that name."""
        return next((segment for segment in self.segments if segment[0] == name), None)

    def time(self, raw: str) -> datetime | None:
        """A time as an aware UTC datetime; None where it is empty or no time."""
        content = known(raw)
        return parse_time(content.split(self.marks.component, 1)[0], self.zone) if content else None


def context_of(envelope: Envelope, feed_zone: tzinfo) -> Context:
    """Opens what an envelope holds."""
    marks = delimiters(envelope.separator, envelope.encoding)
    sent = envelope.msh(7).split(marks.component, 1)[0].strip()
    message_zone = offset_of(sent[-5:]) if has_offset(sent) else None
    zone = message_zone or feed_zone
    segments = envelope.segments
    pid = next((segment for segment in segments if segment[0] == "PID"), None)
    pv1 = next((segment for segment in segments if segment[0] == "PV1"), None)
    return Context(
        segments=segments,
        marks=marks,
        encoding=envelope.encoding,
        separator=envelope.separator,
        zone=zone,
        zone_assumed=message_zone is None,
        sent_at=parse_time(sent, zone) if sent else None,
        flags=envelope.flags,
        patient=patient_in(segments, marks),
        person=person_of(pid, marks, zone) if pid is not None else None,
        visit=visit_of(pv1, pid, marks, zone, envelope.encoding, envelope.separator) if pv1 is not None else None,
    )


def number_of(segment: Sequence[str], number: int, marks: Delimiters) -> str | None:
    """The entity identifier (EI) in a field: its first component."""
    content = known(at(segment, number))
    return known(content.split(marks.component, 1)[0]) if content else None
