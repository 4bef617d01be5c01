"""Segments and fields by position: repetitions, components, escapes, and HL7's null against nothing."""

import re
from collections.abc import Sequence
from functools import lru_cache

NULL = '""'
"""Sent to say "delete what you have"; an empty field says nothing (HL7 2.5.1, 2.5.3)."""

_HEX = re.compile(r"^X(?:[0-9A-Fa-f]{2})+$")
_FORMAT = {".br": "\n", ".sp": "\n", ".ce": "\n"}


class Delimiters:
    """The four encoding characters of one message, and what they take apart.

    >>> marks = Delimiters("|", "^~\\\\&")
    >>> marks.text("5\\\\T\\\\10 \\\\F\\\\ one\\\\.br\\\\two \\\\X41\\\\")
    '5&10 | one\\ntwo A'
    """

    __slots__ = ("_pattern", "_plain", "component", "escape", "repetition", "subcomponent")

    def __init__(self, separator: str, encoding: str) -> None:
        self.component, self.repetition, self.escape, self.subcomponent = tuple(encoding[:4])
        self._plain = {"F": separator, "S": self.component, "T": self.subcomponent, "R": self.repetition, "E": self.escape}
        if len(encoding) > 4:
            self._plain["P"] = encoding[4]
        mark = re.escape(self.escape)
        self._pattern = re.compile(f"{mark}([^{mark}]{{0,200}}){mark}")

    def text(self, raw: str) -> str:
        """Escapes decoded once (what they give is not read again); highlighting is dropped, what is not known stays as sent."""
        if self.escape not in raw:
            return raw
        return self._pattern.sub(self._replace, raw)

    def _replace(self, match: re.Match[str]) -> str:
        sequence = match.group(1)
        if sequence in self._plain:
            return self._plain[sequence]
        if sequence in ("H", "N"):
            return ""
        if _HEX.match(sequence):
            return bytes.fromhex(sequence[1:]).decode("utf-8", "replace")
        for prefix, text in _FORMAT.items():
            if sequence.startswith(prefix):
                return text
        return "" if sequence.startswith(".") else match.group(0)

    def repeats(self, raw: str) -> list[str]:
        """The repetitions of a field."""
        return raw.split(self.repetition) if raw else []

    def parts(self, raw: str) -> list[str]:
        """The components of one repetition, escapes not decoded."""
        return raw.split(self.component)


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
