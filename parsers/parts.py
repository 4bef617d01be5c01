"""A message that comes in several: what ties the parts together, and how they become one again (HL7 2.5.1, 2.10.2)."""

from collections.abc import Sequence

from parsers.envelope import peek
from parsers.message import Part, Reason
from parsers.profile import PLAIN, Profile

MOST_PARTS = 1000
"""Of one message. A ring of pointers, or a sender that never comes to an end, stops here."""
LARGEST_BYTES = 20 * 1024 * 1024
"""Of a joined message: what Kafka takes of one that comes whole."""

DELIMITERS = Reason(code="102", detail="MSH-2: the parts of a continued message have different delimiters")
TOO_LARGE = Reason(code="207", detail="DSC-1: the parts of a continued message are too many, or too large together")


def chain(parts: Sequence[Part], last: int) -> list[int] | None:
    """The places of the parts that make one message with the part at `last`, first to last; None while one is missing.

    Each names the one before it: its MSH-14 is the other's DSC-1. Where several could be meant, as of a pointer that is used again, the later is.

    >>> a, b, c = Part(follows="", pointer="P1"), Part(follows="P1", pointer="P2"), Part(follows="P2", pointer="")
    >>> chain([c, a, b], 1), chain([a, c], 1)
    ([1, 2, 0], None)
    """
    by_pointer = {part.pointer: place for place, part in enumerate(parts) if part.pointer}
    by_follows = {part.follows: place for place, part in enumerate(parts) if part.follows}
    found = [last]
    while (follows := parts[found[0]].follows) and len(found) <= MOST_PARTS:
        before = by_pointer.get(follows)
        if before is None or before in found:
            return None
        found.insert(0, before)
    while (pointer := parts[found[-1]].pointer) and len(found) <= MOST_PARTS:
        after = by_follows.get(pointer)
        if after is None or after in found:
            return None
        found.append(after)
    return found


def join(bodies: Sequence[bytes]) -> bytes | Reason:
    """The message that these parts are, in order: the first's header, and the segments of all but their DSC, MSH and empty ADD.

    A segment that was cut is joined as bytes, before they are decoded: a part may end in the middle of a character.

    >>> join([b"MSH|^~\\\\&|A\\rOBX|1|TX|N||first, \\rADD\\rDSC|P1\\r", b"MSH|^~\\\\&|A\\rADD|second\\r"])
    b'MSH|^~\\\\&|A\\rOBX|1|TX|N||first, second\\r'
    """
    if len(bodies) > MOST_PARTS or sum(map(len, bodies)) > LARGEST_BYTES:
        return TOO_LARGE
    whole: list[bytes] = []
    opening = None
    ended = True
    for number, body in enumerate(bodies):
        lines, ended = _segments(body)
        separator = lines[0][3:4]
        opening = opening or (separator, lines[0].split(separator)[1:2])
        if (separator, lines[0].split(separator)[1:2]) != opening:
            return DELIMITERS
        rest = _contents(lines if number == 0 else lines[1:], separator, last=number == len(bodies) - 1)
        if number and rest and rest[0].startswith(b"ADD" + separator):
            whole[-1] += rest.pop(0)[4:]
        whole += rest
    return b"\r".join(whole) + (b"\r" if ended else b"")


def _segments(body: bytes) -> tuple[list[bytes], bool]:
    """The lines of a part, and whether its last one is ended."""
    body = body.strip(b"\x0b\x1c").removeprefix(b"\xef\xbb\xbf")
    body = body.removesuffix(b"\x1c\r").rstrip(b"\x1c\0 \t")
    end = b"\r" if b"\r" in body else b"\n"
    lines = [line.strip(b"\n") for line in body.split(end)]
    return [line for line in lines if line] or [b""], body[-1:] in (b"\r", b"\n")


def _contents(lines: Sequence[bytes], separator: bytes, *, last: bool) -> list[bytes]:
    """Without the pointer to what follows, and the ADD that stands where a segment was cut."""
    if last:
        return list(lines)
    kept = [line for line in lines if line.split(separator, 1)[0] != b"DSC"]
    return kept[:-1] if kept and kept[-1].strip(separator) == b"ADD" else kept


def joined_in(raws: Sequence[bytes], profile: Profile = PLAIN) -> dict[int, bytes | Reason | None]:
    """By the place of every part that came together with its others: the whole message at the last of them, None at those before.

    For a file; a worker's parts wait in the database (`streams/parts.py`).
    """
    found: dict[int, bytes | Reason | None] = {}
    waiting: list[tuple[int, str, Part]] = []
    for place, raw in enumerate(raws):
        envelope = peek(raw, profile)
        if envelope.part is None:
            continue
        waiting.append((place, envelope.sent_by or "", envelope.part))
        same = [one for one in waiting if one[1] == (envelope.sent_by or "")]
        links = chain([part for _, _, part in same], len(same) - 1)
        if links is None:
            continue
        places = [same[link][0] for link in links]
        found |= dict.fromkeys(places)
        found[place] = join([raws[one] for one in places])
        waiting = [one for one in waiting if one[0] not in places]
    return found
