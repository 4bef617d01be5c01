"""Bytes to text by MSH-18: one character set, or several that switch by ISO 2022 escapes; what was not declared is handled and flagged."""

import re
from collections.abc import Mapping
from types import MappingProxyType

CHARACTER_SETS: Mapping[str, str] = MappingProxyType(
    {
        "": "utf-8", "ASCII": "utf-8", "ISO IR6": "utf-8", "UNICODE": "utf-8", "UNICODE UTF-8": "utf-8", "UTF-8": "utf-8", "UTF8": "utf-8",
        **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)},
        "ISO IR14": "cp932", "ISO IR87": "utf-8", "ISO IR159": "utf-8", "GB 18030-2000": "gb18030", "GB18030": "gb18030", "GB 18030": "gb18030",
        "KS X 1001": "cp949", "BIG-5": "big5hkscs", "BIG5": "big5hkscs", "UNICODE UTF-16": "utf-8", "UNICODE UTF-32": "utf-8",
        **{f"{name}{page}": f"cp{page}" for page in range(1250, 1259) for name in ("WINDOWS-", "CP")},
        "GBK": "gb18030", "GB2312": "gb18030", "EUC-KR": "cp949", "EUC-JP": "euc_jp", "SHIFT_JIS": "cp932", "SHIFT-JIS": "cp932", "KOI8-R": "koi8-r", "TIS-620": "cp874",
    }
)  # fmt: skip
"""HL7 table 0211 to Python's codecs, and names that senders use beside it.

ASCII and nothing are read as UTF-8, its superset, and flagged where bytes go beyond ASCII. ISO IR14 is JIS X 0201, whose bytes are those of
Shift JIS; ISO IR87 and 159 are 7-bit and only come behind escapes. UTF-16 and 32 cannot be true of a message whose MSH could be read as bytes.
CNS 11643 has no codec here: it is flagged as unknown.
"""

_PLAIN = {"", "ASCII", "ISO IR6"}
_JAPANESE = {"ISO IR14", "ISO IR87", "ISO IR159"}
_LATIN = re.compile(r"^(?:ISO[ -]?)?(?:IR)?8859[-/ ](\d{1,2})$")

_ESCAPE = re.compile(rb"(\x1b[\x20-\x2f]+[\x30-\x7e])")
_TWO_BYTES = {b"\x1b$@": "iso2022_jp_ext", b"\x1b$B": "iso2022_jp_ext", b"\x1b$(D": "iso2022_jp_ext", b"\x1b(I": "iso2022_jp_ext"}
_RIGHT_HALF = {
    b"\x1b$)C": "cp949", b"\x1b$)A": "gb2312", b"\x1b-A": "iso8859-1", b"\x1b-B": "iso8859-2", b"\x1b-C": "iso8859-3", b"\x1b-D": "iso8859-4",
    b"\x1b-L": "iso8859-5", b"\x1b-G": "iso8859-6", b"\x1b-F": "iso8859-7", b"\x1b-H": "iso8859-8", b"\x1b-M": "iso8859-9",
}  # fmt: skip
_BACK = {b"\x1b(B", b"\x1b(J"}
"""Back to ASCII. JIS X 0201's Roman letters are read as ASCII: its yen sign and overline stand where HL7 has its escape and repetition marks."""


def decode(body: bytes, assumed: str = "") -> tuple[str, tuple[str, ...]]:
    """The text, with flags for what was undeclared, undecodable or unknown. `assumed`: the feed's set, where MSH-18 is empty.

    >>> decode(b"MSH|^~\\\\&|A\\rPID|1||Z\\xfcrich")
    ('MSH|^~\\\\&|A\\rPID|1||Zürich', ('undeclared_bytes',))
    """
    declared = _declared(body)
    if not any(declared) and assumed:
        declared = [assumed]
    codec = _codec(declared[0])
    flags = () if codec is not None and all(_codec(one) for one in declared) else ("unknown_character_set",)
    codec = codec or "utf-8"
    several = len(declared) > 1 or declared[0] in _JAPANESE
    if several:
        body = _spelled_out(body)
    if b"\x1b" in body and (several or b"\x1b$" in body):
        return _switching(body, codec, flags if several else (*flags, "undeclared_bytes"))
    if body.isascii():
        return body.decode("ascii"), flags
    try:
        text = body.decode(codec)
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace"), (*flags, "undeclared_bytes")
    return text, (*flags, "undeclared_bytes") if declared[0] in _PLAIN else flags


def _declared(body: bytes) -> list[str]:
    """MSH-18's repetitions, in capitals; one empty where nothing is declared."""
    end = min((place for place in (body.find(b"\r"), body.find(b"\n")) if place >= 0), default=len(body))
    head = body[:end].split(body[3:4], 18)
    if len(head) <= 17 or not head[17]:
        return [""]
    return [one.decode("ascii", "replace").strip().upper() for one in head[17].split(head[1][1:2] or b"~")]


def _codec(declared: str) -> str | None:
    found = CHARACTER_SETS.get(declared)
    if found is None and (latin := _LATIN.match(declared)):
        return CHARACTER_SETS.get(f"8859/{latin.group(1)}")
    return found


def _spelled_out(body: bytes) -> bytes:
    """HL7's own spelling of the escapes, `\\M2442\\` and `\\C2842\\` (HL7 2.5.1, 2.7.3), as the escapes they stand for."""
    mark = re.escape(body[6:7])
    return re.sub(rb"%b[CM]((?:[0-9A-Fa-f]{2}){2,3})%b" % (mark, mark), lambda found: b"\x1b" + bytes.fromhex(found[1].decode()), body)


def _switching(body: bytes, codec: str, flags: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Each piece by the set that the escape before it chose; a line end goes back to the first, for that is where a sender forgot to."""
    pieces = _ESCAPE.split(body)
    text = [_piece(pieces[0], codec)]
    strange = False
    for escape, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        within, line_end, after = piece.partition(b"\r")
        if escape in _TWO_BYTES:
            text.append(_piece(escape + within, _TWO_BYTES[escape]))
        elif escape in _RIGHT_HALF:
            text.append(_piece(within, _RIGHT_HALF[escape]))
        else:
            strange = strange or escape not in _BACK
            text.append(_piece(within, codec))
        text.append(_piece(line_end + after, codec))
    found = "".join(text)
    return found, (*flags, "undeclared_bytes") if strange or "\N{REPLACEMENT CHARACTER}" in found else flags


def _piece(content: bytes, codec: str) -> str:
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return content.decode(codec, "replace").replace("\x1b", "\N{REPLACEMENT CHARACTER}")
