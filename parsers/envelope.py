"""The outside of a message: line ends, delimiters, continuations, and what MSH says; enough to key it, route it and acknowledge it."""

import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from parsers.charsets import decode
from parsers.fields import at
from parsers.message import Part, Reason
from parsers.profile import PLAIN, Profile

VT, FS = b"\x0b", b"\x1c"

VERSION = re.compile(r"^2\.\d(\.\d)?$")
BARE = "EVN|PID|PD1|PV1|PV2|MRG|ORC|OBR|OBX|NTE|TXA|NK1|AL1|DG1|SPM|ADD"
"""Segments known by name alone: any other line of three letters, such as the finding NAD, is text."""

USUAL = [
    "MSH",
    "EVN",
    "PID",
    "PD1",
    "NK1",
    "PV1",
    "PV2",
    "ROL",
    "DB1",
    "OBX",
    "AL1",
    "IAM",
    "DG1",
    "PR1",
    "GT1",
    "IN1",
    "IN2",
    "ACC",
    "MRG",
    "ORC",
    "OBR",
    "NTE",
    "TQ1",
    "TQ2",
    "SPM",
    "SAC",
    "TXA",
    "RXO",
    "RXE",
    "RXR",
    "RXC",
    "RXA",
    "RXD",
    "SFT",
    "CTI",
    "FT1",
    "DSC",
    "MSA",
    "ERR",
]
"""Segments that most messages are made of; a message of these alone, with CR line ends, is taken apart without looking twice."""

UNENDED = "no_final_line_end"
"""The last segment may have been cut off: nothing says that it ended."""

CONTINUES = "continues"
"""DSC says that the rest comes in another message: the last segment may have been cut anywhere (HL7 2.5.1, 2.10.2)."""

INTERACTIVE = "I"
"""HL7 table 0398: the rest comes when it is asked for; every segment is whole."""

Segments = Sequence[Sequence[str]]


@lru_cache(maxsize=64)
def _line_end_before_segment(separator: str) -> re.Pattern[str]:
    """A line end is the end of a segment where three letters and the message's own separator follow, or a bare known name; else it is text.

    Tried once a run of line ends and never partly: a million blank lines cost a million steps.
    """
    return re.compile(rf"(?<![\r\n])(?:\r\n|\r|\n)++(?=[A-Za-z][A-Za-z0-9]{{2}}{re.escape(separator)}|MSH[^\w\s]|(?:{BARE})(?:\r|\n|$))")


@lru_cache(maxsize=64)
def _beginnings(separator: str) -> frozenset[str]:
    return frozenset(name + separator for name in USUAL)


class Envelope(Struct, frozen=True, kw_only=True, gc=False):
    """A message ready to be read: `segments` in order, each split at the field separator (`segments[0][0] == "MSH"`, MSH-1 left out).

    `encoding` holds component, repetition, escape and subcomponent separators. `reason` with `fatal` tells why it gets AR, without it AE.
    `names`: of the segments, in order.
    `joined`: how many ADD segments were joined to what they continue; `answers`: whether the message answers another (it has an MSA).
    `part`: set where it is continued in another message, or continues one.
    """

    segments: Segments = ()
    names: Sequence[str] = ()
    separator: str = "|"
    encoding: str = "^~\\&"
    type: str | None = None
    version: str | None = None
    control_id: str | None = None
    sent_by: str | None = None
    processing_id: str | None = None
    accept_ack: str = ""
    application_ack: str = ""
    flags: tuple[str, ...] = ()
    reason: Reason | None = None
    fatal: bool = False
    joined: int = 0
    answers: bool = False
    part: Part | None = None

    def msh(self, number: int) -> str:
        """MSH-`number` as sent, empty where absent; MSH-2 is the first that is kept as a field."""
        head = self.segments[0] if self.segments else ()
        return head[number - 1] if 1 < number <= len(head) else ""


def _refused(code: str, detail: str, fatal: bool = True) -> Envelope:
    return Envelope(reason=Reason(code=code, detail=detail), fatal=fatal)


def peek(raw: bytes, profile: Profile = PLAIN) -> Envelope:
    """Opens a message. Never raises: what is wrong is in `reason` (HL7 table 0357: 100 sequence, 101 required, 200 type, 203 version, 207 other)."""
    body, flags = _strip(raw)
    if not body.startswith(b"MSH"):
        what = (
            "a batch header; batches are sent as files (vigil send), one message a frame"
            if body[:3] in (b"FHS", b"BHS")
            else "no MSH segment"
        )
        return _refused("100", f"MSH: the message begins with {what}")
    if len(body) < 9:
        return _refused("101", "MSH: the message ends within its header")
    text, more = decode(body, profile.character_set)
    separator = text[3]
    if separator.isalnum() or separator in "\r\n":
        return _refused("102", "MSH-1: the field separator is a letter, a digit or a line end")
    return _judge([line.split(separator) for line in _lines(text, separator)], separator, flags + more, profile)


def _strip(raw: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Without frame characters, byte order marks and blank lines around."""
    body = raw.strip(VT + FS + b"\r\n \t")
    ended = raw.removesuffix(FS + b"\r").rstrip(FS + b"\0 \t")[-1:] in (b"\r", b"\n")
    unended = () if ended else (UNENDED,)
    if body.startswith(b"MSH"):
        return body, unended
    for mark, codec in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if body.startswith(mark):
            body = body[len(mark) :]
            if codec != "utf-8":
                body = body.decode(codec, "replace").encode()
            return body.lstrip(b"\r\n \t"), ("byte_order_mark", *unended)
    if body[:6] == b"M\0S\0H\0":
        return raw.strip(VT + FS).decode("utf-16-le", "replace").strip("\r\n \t").encode(), ("utf16", *unended)
    return body, unended


def _lines(text: str, separator: str) -> list[str]:
    if "\n" not in text:
        lines = text.rstrip("\r").split("\r")
        usual = _beginnings(separator)
        if usual.issuperset([line[:4] for line in lines]):
            return lines
    return _line_end_before_segment(separator).split(text.rstrip("\r\n"))


def _joined(segments: list[list[str]]) -> tuple[list[list[str]], int]:
    """Each ADD's first field is the rest of the last field of the segment before it, its others the fields that follow (HL7 2.5.1, 2.10.2.1).

    One without a field stands where a segment was cut that another message continues.
    """
    joined = 0
    whole: list[list[str]] = []
    parts: list[str] = []
    for segment in segments:
        if segment == ["ADD"]:
            joined += 1
        elif segment[0] == "ADD" and len(whole) > 1 and len(segment) > 1:
            parts += segment[1:2] if parts else [whole[-1][-1], segment[1]]
            joined += 1
            if len(segment) > 2:
                whole[-1][-1:] = ["".join(parts), *segment[2:]]
                parts = []
        else:
            if parts:
                whole[-1][-1] = "".join(parts)
                parts = []
            whole.append(segment)
    if parts:
        whole[-1][-1] = "".join(parts)
    return whole, joined


def _part(segments: Sequence[Sequence[str]], names: Sequence[str], follows: str) -> Part | None:
    """A pointer in MSH-14 alone makes no part: senders fill it for reasons of their own. What goes on with ADD, or names no patient, is one."""
    last = segments[-1]
    pointer = at(last, 1).strip() if last[0] == "DSC" and at(last, 2).strip() != INTERACTIVE else ""
    if follows and names[1:2] != ["ADD"] and "PID" in names:
        follows = ""
    return Part(follows=follows, pointer=pointer) if follows or pointer else None


def _judge(segments: list[list[str]], separator: str, flags: tuple[str, ...], profile: Profile) -> Envelope:
    head = [part.strip() for part in segments[0]]
    head += [""] * (21 - len(head))
    joined = 0
    names = [segment[0] for segment in segments]
    if "ADD" in names:
        segments, joined = _joined(segments)
        names = [segment[0] for segment in segments]
    part = _part(segments, names, head[13])
    if part is not None and part.pointer:
        flags = (*flags, CONTINUES)
    if head[12]:
        flags = (*flags, "sequence_number")
    encoding = segments[0][1] if len(segments[0]) > 1 else ""
    sub = encoding[0] if encoding else "^"
    kind = [part.strip() for part in head[8].split(sub)]
    version = head[11].split(sub)[0].strip()
    reason, fatal = _fault(names, encoding, kind[0], version, head, profile)
    return Envelope(
        segments=segments,
        names=names,
        separator=separator,
        encoding=(encoding + "^~\\&"[len(encoding) :]) if len(encoding) < 4 else encoding,
        type="^".join(part for part in kind[:2] if part) or None,
        version=version or None,
        control_id=head[9] or None,
        sent_by=f"{head[2]}|{head[3]}" if head[2] or head[3] else None,
        processing_id=head[10].split(sub)[0] or None,
        accept_ack=head[14].upper(),
        application_ack=head[15].upper(),
        flags=flags,
        reason=reason,
        fatal=fatal,
        joined=joined,
        answers="MSA" in names[1:4],
        part=part,
    )


@lru_cache(maxsize=64)
def _encoding_fault(encoding: str) -> Reason | None:
    if not encoding or len(set(encoding)) != len(encoding) or any(mark.isalnum() for mark in encoding):
        return Reason(code="102", detail="MSH-2: the encoding characters are missing, repeated or letters")
    if not 4 <= len(encoding) <= 5:
        return Reason(code="102", detail="MSH-2: four encoding characters are asked for, or five with a truncation character")
    return None


def _fault(
    names: Sequence[str], encoding: str, kind: str, version: str, head: Sequence[str], profile: Profile
) -> tuple[Reason | None, bool]:
    """What is wrong with an MSH, the gravest first; True where nothing can be done with the message at all (AR)."""
    if (wrong := _encoding_fault(encoding[:6])) is not None:
        return wrong, True
    if names[0] != "MSH":
        return Reason(code="100", detail="MSH: the header segment is malformed"), True
    if not kind:
        return Reason(code="101", detail="MSH-9: the message type is missing"), True
    if not version:
        return Reason(code="101", detail="MSH-12: the version is missing"), True
    if not VERSION.match(version):
        return Reason(code="203", detail="MSH-12: the version is not one of HL7 2.1 to 2.9"), True
    if "\rMSH" in "\r".join(names):
        return Reason(code="100", detail="MSH: more than one message in a frame", occurrence=2), True
    if _speaks_sequence_numbers(head[12], profile):
        return Reason(code="207", detail="MSH-13: the sequence number protocol is not spoken here; send the field empty"), True
    if not head[9]:
        return Reason(code="101", detail="MSH-10: the control id is missing"), False
    if names[1:2] == ["ADD"] and not head[13]:
        return Reason(code="100", detail="ADD: it continues a message, and MSH-14 does not say which"), False
    return None, False


def _speaks_sequence_numbers(number: str, profile: Profile) -> bool:
    """0 and -1 open and synchronise the protocol (HL7 2.5.1, 2.10.1); many senders count in MSH-13 and await nothing, so other numbers alone do not tell."""
    match profile.sequence_numbers:
        case "refuse":
            return bool(number)
        case "refuse_protocol":
            return number in ("0", "-1")
        case "ignore":
            return False
