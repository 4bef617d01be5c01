"""The outside of a message: line ends, delimiters, character set, and what MSH says; enough to key it, route it and acknowledge it."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct

from parsers.message import Reason

VT, FS = b"\x0b", b"\x1c"

CHARACTER_SETS: Mapping[str, str] = MappingProxyType(
    {
        "": "utf-8", "ASCII": "utf-8", "UNICODE": "utf-8", "UNICODE UTF-8": "utf-8", "UTF-8": "utf-8", "UTF8": "utf-8", "8859/1": "iso8859-1",
        "8859/2": "iso8859-2", "8859/3": "iso8859-3", "8859/4": "iso8859-4", "8859/5": "iso8859-5", "8859/6": "iso8859-6", "8859/7": "iso8859-7",
        "8859/8": "iso8859-8", "8859/9": "iso8859-9", "8859/15": "iso8859-15", "ISO IR6": "utf-8", "ISO IR14": "iso2022_jp", "ISO IR87": "iso2022_jp",
        "ISO IR159": "iso2022_jp_1", "GB 18030-2000": "gb18030", "GB18030": "gb18030", "KS X 1001": "euc_kr", "CNS 11643-1992": "euc_tw", "BIG-5": "big5",
        "UNICODE UTF-16": "utf-16-le", "UNICODE UTF-32": "utf-32-le",
    }
)  # fmt: skip
"""HL7 table 0211 to Python's codecs. ASCII and nothing are read as UTF-8, its superset, and flagged where bytes go beyond ASCII."""

VERSION = re.compile(r"^2\.\d(\.\d)?$")
BARE = "EVN|PID|PD1|PV1|PV2|MRG|ORC|OBR|OBX|NTE|TXA|NK1|AL1|DG1|SPM"
"""Segments known by name alone: any other line of three letters, such as the finding NAD, is text."""

UNENDED = "no_final_line_end"
"""The last segment may have been cut off: nothing says that it ended."""


@lru_cache(maxsize=64)
def _line_end_before_segment(separator: str) -> re.Pattern[str]:
    """A line end is the end of a segment where three letters and the message's own separator follow, or a bare known name; else it is text."""
    return re.compile(rf"(?:\r\n|\r|\n)+(?=[A-Za-z][A-Za-z0-9]{{2}}{re.escape(separator)}|MSH[^\w\s]|(?:{BARE})(?:\r|\n|$))")


class Envelope(Struct, frozen=True, kw_only=True):
    """A message ready to be read: `segments` in order, each split at the field separator (`segments[0][0] == "MSH"`, MSH-1 left out).

    `encoding` holds component, repetition, escape and subcomponent separators. `reason` with `fatal` tells why it gets AR, without it AE.
    """

    segments: tuple[tuple[str, ...], ...] = ()
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

    def msh(self, number: int) -> str:
        """MSH-`number` as sent, empty where absent; MSH-2 is the first that is kept as a field."""
        head = self.segments[0] if self.segments else ()
        return head[number - 1] if 1 < number <= len(head) else ""


def _refused(code: str, detail: str, fatal: bool = True) -> Envelope:
    return Envelope(reason=Reason(code=code, detail=detail), fatal=fatal)


def peek(raw: bytes) -> Envelope:
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
    text, more = _decode(body)
    separator = text[3]
    if separator.isalnum() or separator in "\r\n":
        return _refused("102", "MSH-1: the field separator is a letter, a digit or a line end")
    lines = _line_end_before_segment(separator).split(text.rstrip("\r\n"))
    segments = tuple(tuple(line.split(separator)) for line in lines)
    return _judge(segments, separator, (*flags, *more))


def _strip(raw: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Without frame characters, byte order marks and blank lines around."""
    body = raw.strip(VT + FS + b"\r\n \t")
    ended = raw.removesuffix(FS + b"\r").rstrip(FS + b"\0 \t")[-1:] in (b"\r", b"\n")
    unended = () if ended else (UNENDED,)
    for mark, codec in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if body.startswith(mark):
            body = body[len(mark) :]
            if codec != "utf-8":
                body = body.decode(codec, "replace").encode()
            return body.lstrip(b"\r\n \t"), ("byte_order_mark", *unended)
    if body[:6] == b"M\0S\0H\0":
        return raw.strip(VT + FS).decode("utf-16-le", "replace").strip("\r\n \t").encode(), ("utf16", *unended)
    return body, unended


def _decode(body: bytes) -> tuple[str, tuple[str, ...]]:
    """The text by MSH-18, with flags for what was undeclared, undecodable or unknown."""
    head = re.split(rb"[\r\n]", body, maxsplit=1)[0].split(body[3:4])
    declared = head[17].split(head[1][1:2] or b"~")[0].decode("ascii", "replace").strip().upper() if len(head) > 17 else ""
    codec = CHARACTER_SETS.get(declared)
    flags = () if codec is not None else ("unknown_character_set",)
    codec = codec or "utf-8"
    if codec.startswith("utf-16") or codec.startswith("utf-32"):
        codec = "utf-8"  # an 8-bit MSH was readable, so the body is no 16-bit text whatever it declares
    if body.isascii() and not codec.startswith("iso2022"):
        return body.decode("ascii"), flags
    try:
        text = body.decode(codec)
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace"), (*flags, "undeclared_bytes")
    return text, (*flags, "undeclared_bytes") if declared in {"", "ASCII"} else flags


def _judge(segments: tuple[tuple[str, ...], ...], separator: str, flags: tuple[str, ...]) -> Envelope:
    head = segments[0]

    def field(number: int) -> str:
        return head[number - 1].strip() if number <= len(head) else ""

    encoding = head[1] if len(head) > 1 else ""
    sub = encoding[0] if encoding else "^"
    kind = [part.strip() for part in field(9).split(sub)]
    version = field(12).split(sub)[0].strip()
    reason, fatal = _fault(segments, encoding, kind[0], version, field(10))
    return Envelope(
        segments=segments,
        separator=separator,
        encoding=(encoding + "^~\\&"[len(encoding) :]) if len(encoding) < 4 else encoding,
        type="^".join(part for part in kind[:2] if part) or None,
        version=version or None,
        control_id=field(10) or None,
        sent_by="|".join((field(3), field(4))) if field(3) or field(4) else None,
        processing_id=field(11).split(sub)[0] or None,
        accept_ack=field(15).upper(),
        application_ack=field(16).upper(),
        flags=flags,
        reason=reason,
        fatal=fatal,
    )


def _fault(segments: tuple[tuple[str, ...], ...], encoding: str, kind: str, version: str, control_id: str) -> tuple[Reason | None, bool]:
    """What is wrong with an MSH, the gravest first; True where nothing can be done with the message at all (AR)."""
    if not encoding or len(set(encoding)) != len(encoding) or any(mark.isalnum() for mark in encoding):
        return Reason(code="102", detail="MSH-2: the encoding characters are missing, repeated or letters"), True
    if not 4 <= len(encoding) <= 5:
        return Reason(code="102", detail="MSH-2: four encoding characters are asked for, or five with a truncation character"), True
    if segments[0][0] != "MSH":
        return Reason(code="100", detail="MSH: the header segment is malformed"), True
    if not kind:
        return Reason(code="101", detail="MSH-9: the message type is missing"), True
    if not version:
        return Reason(code="101", detail="MSH-12: the version is missing"), True
    if not VERSION.match(version):
        return Reason(code="203", detail="MSH-12: the version is not one of HL7 2.1 to 2.9"), True
    if any(segment[0].startswith("MSH") for segment in segments[1:]):
        return Reason(code="100", detail="MSH: more than one message in a frame"), True
    if not control_id:
        return Reason(code="101", detail="MSH-10: the control id is missing"), False
    return None, False
