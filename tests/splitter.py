"""What a person reads in the OBX of a message, by plain splitting: written apart from the reader, to check it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

NUMBER = re.compile(r"[<>]?=?\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
STATUSES = {
    "F": "final", "U": "final", "V": "final", "P": "preliminary", "R": "preliminary", "S": "preliminary", "B": "preliminary", "A": "preliminary",
    "C": "corrected", "D": "deleted", "W": "wrong", "I": "incomplete", "O": "incomplete", "X": "incomplete", "N": "incomplete",
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """None where the field is absent, or so that only rules tell what it says."""

    code: str
    number: float | None
    unit: str | None
    status: str | None
    at: datetime | None


def lines(raw: bytes) -> tuple[list[list[str]], str] | None:
    """Segments and the component separator, where the message is so plain that nobody could read it otherwise."""
    text = raw.decode("ascii", "ignore") if raw.isascii() else raw.decode("utf-8", "replace")
    text = text.strip("\x0b\x1c\r\n")
    if not text.startswith("MSH") or len(text) < 8:
        return None
    return [line.split(text[3]) for line in re.split("[\r\n]+", text) if line[3:4] == text[3] and line[:3].isalnum()], text[4]


def seen(raw: bytes) -> list[Seen] | None:
    """Every OBX in order; None where it takes more than splitting."""
    found = lines(raw)
    return None if found is None else [_one(segment, found[1]) for segment in found[0] if segment[0] == "OBX"]


def _one(segment: list[str], component: str) -> Seen:
    field = dict(enumerate(segment))
    kind = field.get(2, "").split(component)[0].strip()
    value = field.get(5, "").strip()
    number = None
    if kind in ("NM", "ST", "TX") and NUMBER.fullmatch(value):
        number = float(value.lstrip("<>= "))
    elif kind == "SN":
        parts = [part.strip() for part in value.split(component)]
        if len(parts) == 2 and NUMBER.fullmatch(parts[1]):
            number = float(parts[1].lstrip("<>= "))
    unit = field.get(6, "").split(component)[0].strip() or None
    return Seen(
        code=field.get(3, "").split(component)[0].strip(),
        number=number,
        unit=unit if unit != '""' else None,
        status=STATUSES.get(field.get(11, "").strip()[:1]),
        at=_time(field.get(14, "").split(component)[0].strip()),
    )


def _time(text: str) -> datetime | None:
    """A full time with its own offset."""
    found = re.fullmatch(r"(\d{14})(\.\d+)?([+-])(\d\d)(\d\d)", text)
    if found is None:
        return None
    ahead = timedelta(hours=int(found[4]), minutes=int(found[5]))
    try:
        return datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=timezone(ahead if found[3] == "+" else -ahead))
    except ValueError:
        return None
