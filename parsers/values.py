"""What OBX-5 holds, by the type that OBX-2 declares: number, comparator, text; and the canonical quantity where one is understood."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct

from parsers.coded import Coded
from parsers.codes import AVPU, CanonicalCode, canonical_code
from parsers.events import Canonical
from parsers.fields import NULL, Delimiters, known
from parsers.units import conversion

NUMBER = re.compile(r"^([<>]=?|=)?\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)$")

RESPONSIVENESS: Mapping[str, str] = MappingProxyType(
    {
        "la9340-6": "A", "la6560-2": "C", "la17108-4": "V", "la17107-6": "P", "la9343-0": "U",  # LOINC's answers; confusion is from its general list
        "a": "A", "alert": "A", "c": "C", "confused": "C", "confusion": "C", "new confusion": "C", "acute confusion": "C", "v": "V", "voice": "V", "verbal": "V",
        "responds to voice": "V", "response to voice": "V", "p": "P", "pain": "P", "painful": "P", "responds to pain": "P", "response to pain": "P",
        "u": "U", "unresponsive": "U", "unconscious": "U",
        "248234008": "A", "130987000": "C", "300202002": "V", "450847001": "P", "422768004": "U",  # SNOMED CT findings
    }
)  # fmt: skip
"""Answers to AVPU and ACVPU, by code, letter or word in lower case."""


ROOM_AIR = frozenset({"room air", "ra", "air", "roomair", "on air", "breathing air", "room air (ra)"})
AIR: Mapping[str, float] = MappingProxyType({"3151-8": 0.0, "3150-6": 21.0})
"""What breathing air is as a flow of oxygen (L/min) and as an inspired share (%)."""


class Value(Struct, frozen=True, kw_only=True):
    """A value as sent, without its unit."""

    num: float | None = None
    text: str | None = None
    comparator: str | None = None
    flags: tuple[str, ...] = ()


NOTHING = Value()


def value_of(kind: str, raw: str, marks: Delimiters) -> Value:
    """Reads OBX-5. A number inside ST or TX is a number; one that cannot be read stays text and is flagged."""
    if raw.strip() == NULL:
        return Value(flags=("null",))
    if known(raw) is None:
        return NOTHING
    match kind:
        case "NM":
            return _number(marks.text(raw), strict=True)
        case "SN":
            return _structured(marks.parts(raw.split(marks.repetition, 1)[0]), marks)
        case "CE" | "CWE" | "CNE" | "CF" | "IS" | "ID":
            return _coded(raw, marks)
        case "ED" | "RP":
            return _reference(kind, marks.parts(raw), marks)
        case "DT" | "TM" | "TS" | "DTM":
            return Value(text=marks.text(raw))
        case "ST" | "TX" | "FT" | "":
            return _number(marks.text("\n".join(marks.repeats(raw))), strict=False)
        case _:
            return Value(text=marks.text(raw), flags=("unknown_type",))


def _number(text: str, *, strict: bool) -> Value:
    found = NUMBER.match(text.strip())
    if found is not None:
        comparator = found.group(1)
        number = float(found.group(2))
        if abs(number) < 1e300:
            known_comparator = comparator if comparator not in (None, "=") else None
            return Value(num=number, text=None, comparator=known_comparator, flags=("comparator",) if known_comparator else ())
    return Value(text=text, flags=("not_numeric",) if strict else ())


def _structured(parts: list[str], marks: Delimiters) -> Value:
    """SN: comparator, number, separator, number. `^182^` is a number, `>^90` a bound; a range or ratio (`^1^:^128`) stays text."""
    comparator, first, separator, second = (*(part.strip() for part in parts), "", "", "", "")[:4]
    if separator or second:
        return Value(text=marks.text(f"{comparator}{first}{separator}{second}"), flags=("not_numeric",))
    return _number(marks.text(f"{comparator if comparator not in ('=', '<>') else ''}{first}"), strict=True)


def _coded(raw: str, marks: Delimiters) -> Value:
    parts = marks.parts(raw.split(marks.repetition, 1)[0])
    code = known(parts[0])
    text = known(parts[1]) if len(parts) > 1 else None
    chosen = text or code
    return Value(text=marks.text(chosen)) if chosen else NOTHING


def _reference(kind: str, parts: list[str], marks: Delimiters) -> Value:
    """ED and RP: where it lies, or what it is and how large; never the document itself."""
    if kind == "RP":
        return Value(text=marks.text(parts[0]), flags=("by_reference",))
    described = "/".join(part for part in parts[1:3] if part) or "document"
    return Value(text=f"{marks.text(described)}, {len(parts[-1])} characters", flags=("by_reference",))


def canonical_of(
    code: Coded, value: Value, raw: str, unit: str | None, marks: Delimiters, *, blood: bool = True
) -> tuple[Canonical | None, tuple[str, ...]]:
    """The canonical quantity, and flags that say why there is none. The alternative coding is asked where the first is not known.

    `blood`: whether the specimen may be blood, so that a laboratory's name for a quantity can be taken for the one that scores mean.
    """
    meant = _meant(code, blood)
    if meant is None:
        return None, ("unmapped_code",)
    if meant.code == AVPU:
        answer = _answer(value, raw, marks)
        return (Canonical(code=AVPU, value_text=answer), ()) if answer else (None, ("unmapped_answer",) if value.text else ())
    if value.num is None:
        air = AIR.get(meant.code) if (value.text or "").strip().lower() in ROOM_AIR else None
        return (Canonical(code=meant.code, value_num=air, unit=meant.unit) if air is not None else None), ()
    factor = conversion(meant.sent_as or meant.code, unit, meant.unit)
    if factor is None:
        return None, ("unmapped_unit",)
    number = value.num * factor[0] + factor[1]
    if not meant.low - 1e-9 <= number <= meant.high + 1e-9:
        return None, ("impossible_value",)
    return Canonical(code=meant.code, value_num=number, unit=meant.unit), ()


@lru_cache(maxsize=16_384)
def _meant(code: Coded, blood: bool) -> CanonicalCode | None:
    first = canonical_code(code.code, code.system, code.text, blood=blood) if code.code else None
    if first is None and code.alternate_code:
        return canonical_code(code.alternate_code, code.alternate_system, code.alternate_text, blood=blood)
    return first


def _answer(value: Value, raw: str, marks: Delimiters) -> str | None:
    for part in (*marks.parts(raw), value.text or ""):
        answer = RESPONSIVENESS.get(marks.text(part).strip().lower())
        if answer is not None:
            return answer
    return None
