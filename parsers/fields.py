"""Segments and fields by position: repetitions, components, escapes, and HL7's null against nothing."""

import re
from collections.abc import Sequence
from functools import lru_cache

NULL = '""'
"""Sent to say "delete what you have"; an empty field says nothing (HL7 2.5.1, 2.5.3)."""

_SEQUENCE = r"[FSTREPHN]|X(?:[0-9A-Fa-f]{2}){1,100}|\.[a-z]{2}[+-]?\d{0,3}"
"""What may stand between two escape characters (HL7 2.5.1, 2.7): delimiters, highlighting, hexadecimal, formatting; and Z for what is local. Anything else
is text, and its end may begin the next: in `C:\\temp\\T\\x` the second is an escape."""
_COUNTED = re.compile(r"^\.(sp|sk)\+?(\d{0,2})$")
_FORMAT = {".br": "\n", ".ce": "\n"}


class Delimiters:
    """The encoding characters of one message, and what they take apart. `truncation`: from 2.7 a fifth, that ends what was cut short.

    >>> marks = Delimiters("|", "^~\\\\&")
    >>> marks.text("5\\\\T\\\\10 \\\\F\\\\ one\\\\.br\\\\two \\\\X41\\\\")
    '5&10 | one\\ntwo A'
    >>> marks.escaped("5&10 | one")
    '5\\\\T\\\\10 \\\\F\\\\ one'
    """

    __slots__ = ("_escapes", "_pattern", "_plain", "component", "escape", "repetition", "subcomponent", "truncation")

    def __init__(self, separator: str, encoding: str) -> None:
        self.component, self.repetition, self.escape, self.subcomponent = tuple(encoding[:4])
        self.truncation = encoding[4] if len(encoding) > 4 else None
        self._plain = {"F": separator, "S": self.component, "T": self.subcomponent, "R": self.repetition, "E": self.escape}
        if self.truncation is not None:
            self._plain["P"] = self.truncation
        mark = re.escape(self.escape)
        self._pattern = re.compile(f"{mark}({_SEQUENCE}|Z[^{mark}]{{0,200}}){mark}")
        spelled = {plain: f"{self.escape}{letter}{self.escape}" for letter, plain in self._plain.items()}
        spelled |= {"\n": f"{self.escape}.br{self.escape}", "\r": f"{self.escape}X0D{self.escape}"}
        self._escapes = str.maketrans(spelled)

    def text(self, raw: str) -> str:
        """Escapes decoded once (what they give is not read again); highlighting is dropped, what is not known stays as sent."""
        if self.escape not in raw:
            return raw
        return self._pattern.sub(self._replace, raw)

    def escaped(self, text: str) -> str:
        """The text with every delimiter and line end escaped: `text` gives it back."""
        return text.translate(self._escapes)

    def _replace(self, match: re.Match[str]) -> str:
        sequence = match.group(1)
        if sequence in self._plain:
            return self._plain[sequence]
        if sequence in ("H", "N"):
            return ""
        if sequence[0] == "X":
            return _hexadecimal(sequence[1:])
        if sequence in _FORMAT:
            return _FORMAT[sequence]
        if counted := _COUNTED.match(sequence):
            return ("\n" if counted.group(1) == "sp" else " ") * int(counted.group(2) or 1)
        return "" if sequence.startswith(".") else match.group(0)

    def repeats(self, raw: str) -> list[str]:
        """The repetitions of a field."""
        return raw.split(self.repetition) if raw else []

    def parts(self, raw: str) -> list[str]:
        """The components of one repetition, escapes not decoded."""
        return raw.split(self.component)

    def is_truncated(self, raw: str) -> bool:
        """Whether the sender says that it cut this content short (HL7 2.7, 2.5.5.2)."""
        return self.truncation is not None and raw.rstrip().endswith(self.truncation)


def _hexadecimal(digits: str) -> str:
    content = bytes.fromhex(digits)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


@lru_cache(maxsize=64)
def delimiters(separator: str, encoding: str) -> Delimiters:
    """The delimiters of a message; senders use a handful."""
    return Delimiters(separator, encoding)


def at(segment: Sequence[str], number: int) -> str:
    """Field `number` as sent, counted as HL7 counts (not for MSH, whose first field is the separator itself); empty where absent."""
    return segment[number] if number < len(segment) else ""


def known(raw: str) -> str | None:
    """The field's content, None where it is empty, blank or null."""
    stripped = raw.strip()
    return stripped if stripped and stripped != NULL else None


def component(marks: Delimiters, raw: str, number: int) -> str | None:
    """Component `number` (from 1) of the first repetition, escapes decoded, None where empty."""
    if not raw:
        return None
    parts = marks.parts(raw.split(marks.repetition, 1)[0])
    content = known(parts[number - 1]) if number <= len(parts) else None
    return marks.text(content) if content is not None else None
