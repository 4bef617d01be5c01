"""One patient's part of an opened message with what every translation needs: segments, delimiters, patient, visit and the zone its times are in."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from msgspec import Struct

from parsers.coded import Coded, coded
from parsers.envelope import Envelope, Segments
from parsers.events import Person, Visit
from parsers.fields import Delimiters, at, delimiters, known
from parsers.identity import patient_in
from parsers.message import Patient
from parsers.person import person_of, visit_of
from parsers.profile import Profile
from parsers.times import has_offset, offset_of, parse_time

LONGEST_TIME = 30
"""Characters; the longest that HL7 2.9 allows is 24."""


class Context(Struct, frozen=True, kw_only=True, gc=False):
    """`zone`: for times without an offset of their own: MSH-7's offset, else the feed's zone; `zone_assumed` tells which.

    `times`: those read so far: most fields of a message say the same one. `segments`: those of this patient, and MSH and EVN, which are of all.
    """

    segments: Segments
    names: Sequence[str]
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
    profile: Profile
    times: dict[str, datetime | None]

    def first(self, name: str) -> Sequence[str] | None:
        """The first segment of that name."""
        return next((segment for segment in self.segments if segment[0] == name), None)

    def all(self, *names: str) -> Iterator[Sequence[str]]:
        """The segments of those names, in order."""
        return (segment for segment in self.segments if segment[0] in names)

    def time(self, raw: str) -> datetime | None:
        """A time as an aware UTC datetime; None where it is empty or no time."""
        if raw not in self.times:
            content = (known(raw) or "").split(self.marks.component, 1)[0]
            self.times[raw] = parse_time(content, self.zone) if 4 <= len(content) <= LONGEST_TIME else None
        return self.times[raw]

    def coded(self, raw: str, role: str = "service") -> Coded:
        """A coded field, empty where nothing is said."""
        return coded(raw, role, self.encoding, self.separator) if known(raw) else Coded()


def contexts_of(envelope: Envelope, timezone: tzinfo | None, profile: Profile) -> list[Context]:
    """One for each PID, with the segments up to the next; one without a patient where there is no PID."""
    marks = delimiters(envelope.separator, envelope.encoding)
    sent = envelope.msh(7).split(marks.component, 1)[0].strip()
    message_zone = offset_of(sent[-5:]) if has_offset(sent) else None
    zone = message_zone or timezone or profile.timezone or UTC
    segments = envelope.segments
    sent_at = parse_time(sent, zone) if sent else None
    if envelope.names.count("PID") < 2:
        return [_context(envelope, segments, marks, zone, message_zone is None, sent_at, profile)]
    starts = [place for place, name in enumerate(envelope.names) if name == "PID"]
    shared = [segments[0], *([segments[envelope.names.index("EVN")]] if "EVN" in envelope.names else [])]
    parts = [
        segments[: starts[1]],
        *([*shared, *segments[start:end]] for start, end in zip(starts[1:], [*starts[2:], len(segments)], strict=True)),
    ]
    return [_context(envelope, part, marks, zone, message_zone is None, sent_at, profile) for part in parts]


def _context(
    envelope: Envelope, segments: Segments, marks: Delimiters, zone: tzinfo, zone_assumed: bool, sent_at: datetime | None, profile: Profile
) -> Context:
    pid = pv1 = None
    for segment in segments:
        if segment[0] == "PID":
            pid = segment
        elif segment[0] == "PV1":
            pv1 = segment
            break
    return Context(
        segments=segments,
        names=envelope.names if segments is envelope.segments else [segment[0] for segment in segments],
        marks=marks,
        encoding=envelope.encoding,
        separator=envelope.separator,
        zone=zone,
        zone_assumed=zone_assumed,
        sent_at=sent_at,
        flags=envelope.flags,
        patient=patient_in(segments, marks, profile),
        person=person_of(pid, zone) if pid is not None else None,
        visit=visit_of(pv1, pid, marks, zone, envelope.encoding, envelope.separator, profile) if pv1 is not None else None,
        profile=profile,
        times={},
    )


def number_of(segment: Sequence[str], number: int, marks: Delimiters) -> str | None:
    """The entity identifier (EI) in a field: its first component, escapes decoded."""
    raw = at(segment, number)
    if not raw:
        return None
    content = known(raw.split(marks.component, 1)[0])
    return marks.text(content) if content is not None else None
