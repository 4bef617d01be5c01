"""What a sample of a feed will do: kinds of messages, what is refused, set aside, unmapped or missing; counts and codes, never a patient."""

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct

from parsers.events import Admit, Event, Observation, Transfer
from parsers.message import Message
from parsers.profile import Profile
from parsers.units import BARE

T = TypeVar("T", str, tuple[str, str])


class TypeCount(Struct, frozen=True, kw_only=True):
    """One MSH-9. `used`: messages that gave events."""

    type: str
    messages: int
    used: int
    refused: int


class UnmappedCode(Struct, frozen=True, kw_only=True):
    """A code that no score understands, with the unit it came with most often."""

    code: str
    system: str | None
    display: str | None
    unit: str | None
    count: int


class Counted(Struct, frozen=True, kw_only=True):
    """Anything else that is counted. `remark`: what it means, where its name does not say."""

    what: str
    count: int
    remark: str = ""


class Report(Struct, frozen=True, kw_only=True):
    """A sample. Every list is by falling frequency. `understood`: observations with a canonical quantity."""

    profile: str
    messages: int
    accepted: int
    refused: int
    patients: int
    observations: int
    understood: int
    types: tuple[TypeCount, ...]
    reasons: tuple[Counted, ...]
    unused: tuple[Counted, ...]
    set_aside: tuple[Counted, ...]
    unmapped_codes: tuple[UnmappedCode, ...]
    unmapped_units: tuple[Counted, ...]
    missing: tuple[Counted, ...]
    flags: tuple[Counted, ...]
    events: tuple[Counted, ...]
    versions: tuple[Counted, ...]
    without_zone: int


REMARKS = {
    "no_time_zone": "times without an offset: the feed's zone is assumed",
    "no_time": "a result without any time: the time of receipt stands in",
    "unreadable_time": "OBX-14 is no HL7 time: the order's stands in",
    "date_only": "OBX-14 says the day and no hour: the order's hour of that day, else midnight",
    "no_own_time": "an OBX beside another matter without a time of its own: kept, never scored",
    "undeclared_bytes": "bytes that MSH-18 does not account for: guessed",
    "unknown_character_set": "MSH-18 is not in HL7 table 0211",
    "no_final_line_end": "nothing ends the last segment",
    "impossible_value": "a number that no living patient has: kept, never scored",
    "not_numeric": "a number was declared and is none",
    "comparator": "a bound such as <5: scored as its number",
    "unmapped_answer": "words that no scale knows, or a text where a number is meant",
    "unit_in_text": "a text with number and unit, OBX-6 empty: scored",
    "no_code": "OBX-3 is empty",
    "unknown_type": "OBX-2 is no type of HL7",
    "unknown_status": "OBX-11 is not in HL7 table 0085: taken as final",
    "not_used": "taken, and nothing comes of it",
    "sequence_number": "MSH-13 is valued: counted by the sender, not heeded here",
    "of_specimen": "measured on the specimen, not on the patient",
    "by_reference": "a document, told and not held",
    "cut_short": "the message ends within this value: never scored",
    "truncated": "the sender says that it cut this short: never scored",
    "continues": "the rest comes in another message: read when it is there",
}  # fmt: skip


class Census:
    """Takes messages one after the other and adds up."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._types: Counter[str] = Counter()
        self._used: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._unused: Counter[tuple[str, str]] = Counter()
        self._aside: Counter[str] = Counter()
        self._codes: Counter[tuple[str, str | None, str | None]] = Counter()
        self._units_of: dict[tuple[str, str | None, str | None], Counter[str | None]] = {}
        self._units: Counter[str] = Counter()
        self._missing: Counter[str] = Counter()
        self._flags: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._versions: Counter[str] = Counter()
        self._patients: set[str] = set()
        self._observations = self._understood = 0

    def add(self, message: Message) -> None:
        """One message more."""
        name = message.type or "without a type"
        self._types[name] += 1
        self._versions[message.version or "none"] += 1
        self._flags.update(message.flags)
        self._aside.update(message.segments_set_aside)
        if message.reason is not None:
            self._refused[name] += 1
            self._reasons[f"{message.reason.code} {message.reason.detail}"] += 1
            return
        if message.unused is not None:
            self._unused[name, message.unused] += 1
        subjects = [(message.patient, message.person, message.visit, message.events)]
        subjects += [(other.patient, other.person, other.visit, other.events) for other in message.others]
        self._used[name] += any(events for *_, events in subjects)
        for patient, person, visit, events in subjects:
            if patient is not None:
                self._patients.add(patient.key)
            if events and person is not None:
                self._miss("PID-7: birth date (scores by age)", person.birth_date is None)
                self._miss("PID-8: sex", person.sex is None)
            if events and visit is not None:
                self._miss("PV1-19: visit number", visit.encounter_id is None)
            self._add_events(events)

    def _add_events(self, events: Iterable[Event]) -> None:
        for event in events:
            self._events[str(type(event).__struct_config__.tag)] += 1
            if isinstance(event, Observation):
                self._observe(event)
            elif isinstance(event, Admit | Transfer):
                self._miss("PV1-3: location of an admission or transfer", event.visit.location is None)

    def _miss(self, what: str, missing: bool) -> None:
        self._missing[what] += missing

    def _observe(self, one: Observation) -> None:
        self._observations += 1
        self._understood += one.canonical is not None
        self._flags.update(flag for flag in one.flags if flag not in ("unmapped_code", "unmapped_unit"))
        self._miss("OBR-3, OBR-2: order number (a correction cannot be tied to its result)", one.result_key is None)
        if "unmapped_code" in one.flags and one.code:
            key = (one.code, one.code_system, one.display)
            self._codes[key] += 1
            self._units_of.setdefault(key, Counter())[one.unit] += 1
        elif "unmapped_unit" in one.flags:
            if one.unit is None:
                self._miss("OBX-6: unit of a number that Vigil would score", one.code not in BARE)
            else:
                self._units[f"{one.unit} for {one.display or one.code}"] += 1

    def report(self) -> Report:
        """What was added up so far."""
        refused = sum(self._refused.values())
        total = sum(self._types.values())
        return Report(
            profile=self._profile.name,
            messages=total,
            accepted=total - refused,
            refused=refused,
            patients=len(self._patients),
            observations=self._observations,
            understood=self._understood,
            types=tuple(
                TypeCount(type=name, messages=count, used=self._used[name], refused=self._refused[name])
                for name, count in _falling(self._types)
            ),
            reasons=_counted(self._reasons),
            unused=tuple(Counted(what=name, count=count, remark=why) for (name, why), count in _falling(self._unused)),
            set_aside=tuple(
                Counted(what=name, count=count, remark="expected" if name in self._profile.expected else _meaning(name))
                for name, count in _falling(self._aside)
            ),
            unmapped_codes=self._unmapped(),
            unmapped_units=_counted(self._units),
            missing=_counted(self._missing),
            flags=tuple(Counted(what=name, count=count, remark=REMARKS.get(name, "")) for name, count in _falling(self._flags)),
            events=_counted(self._events),
            versions=_counted(self._versions),
            without_zone=self._flags["no_time_zone"],
        )

    def _unmapped(self) -> tuple[UnmappedCode, ...]:
        ordered = sorted(self._codes.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or "", item[0][2] or ""))
        return tuple(
            UnmappedCode(code=key[0], system=key[1], display=key[2], unit=self._units_of[key].most_common(1)[0][0], count=count)
            for key, count in ordered
        )


def _meaning(name: str) -> str:
    return "local segment" if name.startswith("Z") else "not read in this kind of message"


def _falling(counter: Counter[T]) -> list[tuple[T, int]]:
    return sorted(((name, count) for name, count in counter.items() if count), key=lambda item: (-item[1], item[0]))


def _counted(counter: Counter[str]) -> tuple[Counted, ...]:
    return tuple(Counted(what=name, count=count) for name, count in _falling(counter))
