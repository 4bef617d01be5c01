"""What OBX-5 holds, by the type that OBX-2 declares: number, comparator, text; and the canonical quantity where one is understood."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct

from parsers.coded import LONGEST, Coded, coded
from parsers.codes import AVPU, CanonicalCode, canonical_code, squeezed
from parsers.events import Canonical, Structured
from parsers.fields import NULL, Delimiters, known
from parsers.profile import CodeMap, Mapped
from parsers.units import conversion

NUMBER = re.compile(r"([<>]=?|=)?\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?)\Z")
"""Digits of ASCII alone."""
WITH_UNIT = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)\s*([^\s0-9.,<>=+-]\S*)\Z")
LONGEST_NUMBER = 100
"""Characters; what is longer is no number that anyone measured."""

NO_CODE = Coded()
UNMAPPED_CODE, NO_CODE_SENT = ("unmapped_code",), ("no_code",)

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


class Value(Struct, frozen=True, kw_only=True, gc=False):
    """A value as sent, without its unit."""

    num: float | None = None
    text: str | None = None
    comparator: str | None = None
    flags: tuple[str, ...] = ()
    structured: Structured | None = None


NOTHING = Value()


def _number_in(raw: str) -> re.Match[str] | None:
    content = raw.strip()
    return NUMBER.match(content) if len(content) <= LONGEST_NUMBER else None


def plain_number(raw: str) -> float | None:
    """The number in an NM that is nothing else: what nearly all of them are. None sends the reader the long way."""
    if raw.isascii() and len(raw) < 20 and raw.replace(".", "", 1).isdigit():
        return float(raw)
    found = _number_in(raw)
    if found is None or found[1] is not None:
        return None
    number = float(found[2])
    return number if -1e300 < number < 1e300 else None


def value_of(kind: str, raw: str, marks: Delimiters) -> Value:
    """Reads OBX-5. A number inside ST or TX is a number; one that cannot be read stays text and is flagged."""
    content = raw.strip()
    if content == NULL:
        return Value(flags=("null",))
    if not content:
        return NOTHING
    value = _read(kind, raw, marks)
    if marks.is_truncated(raw):
        return Value(text=value.text or marks.text(raw), flags=(*value.flags, "truncated"))
    return value


def _read(kind: str, raw: str, marks: Delimiters) -> Value:
    match kind:
        case "NM":
            return _number(marks.text(raw), strict=True)
        case "SN":
            return _structured(marks.parts(raw.split(marks.repetition, 1)[0]), marks)
        case "CE" | "CWE" | "CNE" | "CF" | "IS" | "ID" | "CX" | "EI":
            return _coded(raw, marks)
        case "ED" | "RP":
            return _reference(kind, marks.parts(raw), marks)
        case "DT" | "TM" | "TS" | "DTM" | "DR":
            return Value(text=marks.text(raw))
        case "ST" | "TX" | "FT" | "":
            return _number(marks.text("\n".join(marks.repeats(raw))), strict=False)
        case _:
            return Value(text=marks.text(raw), flags=("unknown_type",))


def _number(text: str, *, strict: bool) -> Value:
    found = _number_in(text)
    if found is not None:
        comparator, digits = found.groups()
        number = float(digits)
        if -1e300 < number < 1e300:
            if comparator is None or comparator == "=":
                return Value(num=number)
            return Value(num=number, comparator=comparator, flags=("comparator",))
    return Value(text=text, flags=("not_numeric",) if strict else ())


def _structured(parts: list[str], marks: Delimiters) -> Value:
    """SN: comparator, number, separator, number. `^182^` is a number, `>^90` a bound; a range (`^10^-^20`), ratio (`^1^:^128`) or category (`^2^+`)
    stays text, and so does what a number is not (`<>^4`)."""
    comparator, first, separator, second = (*(marks.text(part.strip()) for part in parts), "", "", "", "")[:4]
    if not separator and not second and comparator != "<>":
        return _number(f"{comparator if comparator != '=' else ''}{first}", strict=True)
    numbers = _number(first, strict=True).num, _number(second, strict=True).num
    flag = "range" if separator == "-" else "ratio" if separator in (":", "/") else "category" if separator == "+" and not second else None
    bound = comparator if comparator not in ("", "=") else None
    return Value(
        text=f"{comparator if bound else ''}{first}{separator}{second}",
        comparator=bound,
        flags=("not_numeric", *([flag] if flag else []), *(["comparator"] if bound else [])),
        structured=Structured(first=numbers[0], separator=separator, second=numbers[1]) if flag else None,
    )


def _coded(raw: str, marks: Delimiters) -> Value:
    """The text of a coded answer, else its code, else its alternatives; further repetitions follow on lines of their own."""
    answers = [answer for repeat in marks.repeats(raw) if (answer := _answer_of(marks.parts(repeat))) is not None]
    return Value(text=marks.text("\n".join(answers))) if answers else NOTHING


def _answer_of(parts: list[str]) -> str | None:
    code, text, _, other_code, other_text, *_ = (*parts, "", "", "", "", "")
    return known(text) or known(code) or known(other_text) or known(other_code)


def _reference(kind: str, parts: list[str], marks: Delimiters) -> Value:
    """ED and RP: where it lies, or what it is and how large; never the document itself."""
    if kind == "RP":
        return Value(text=marks.text(parts[0]), flags=("by_reference",))
    described = "/".join(part for part in parts[1:3] if part) or "document"
    return Value(text=f"{marks.text(described)}, {len(parts[-1])} characters", flags=("by_reference",))


class Meaning(Struct, frozen=True, kw_only=True, gc=False):
    """What OBX-3 and OBX-6 say together, found once for each pair: code and unit as sent, the quantity meant, and how its numbers convert."""

    code: str | None
    code_system: str | None
    display: str | None
    unit: str | None
    quantity: CanonicalCode | None
    factor: tuple[float, float] | None
    words: frozenset[str]


Dictionary = Callable[[str, str], Meaning]
"""From OBX-3 and OBX-6 as sent to what they mean."""


@lru_cache(maxsize=16)
def dictionary(encoding: str, separator: str, codes: CodeMap, blood: bool, by_name: bool) -> Dictionary:
    """The meanings of codes and units in messages of these delimiters, found once for each pair and kept in a bound of their own.

    `blood`: whether the specimen may be blood, so that a laboratory's name for a quantity can be taken for the one that scores mean.
    `by_name`: whether a name alone may tell (not for what was measured on the specimen itself). The alternative coding is asked where the first
    is not known. Only the hospital's vocabulary passes here, nothing of a person.
    """

    def find(identifier: str, unit: str) -> Meaning:
        code = coded(identifier, "code", encoding, separator) if known(identifier) else NO_CODE
        sent_unit = coded(unit, "unit", encoding, separator).code if known(unit) else None
        return _meaning(code, sent_unit, codes, blood, by_name)

    remembered = lru_cache(maxsize=8192)(find)
    return lambda identifier, unit: (remembered if len(identifier) + len(unit) <= LONGEST else find)(identifier, unit)


def _meaning(code: Coded, unit: str | None, codes: CodeMap, blood: bool, by_name: bool) -> Meaning:
    mapped = _mapped(code, codes)
    quantity = mapped.quantity if mapped else _quantity(code, blood, by_name)
    stated = codes.units.get(unit, unit) if unit else (mapped.unit if mapped else None)
    return Meaning(
        code=code.code or code.text or code.alternate_code,
        code_system=code.system if code.code else code.alternate_system,
        display=code.text,
        unit=unit,
        quantity=quantity,
        factor=conversion(quantity.sent_as or quantity.code, stated, quantity.unit) if quantity and quantity.code != AVPU else None,
        words=frozenset(
            word for text in (code.code, code.text, code.alternate_code, code.alternate_text) if text and (word := squeezed(text))
        ),
    )


def _mapped(code: Coded, codes: CodeMap) -> Mapped | None:
    if not codes.codes:
        return None
    first = codes.meant(code.code, code.system) if code.code else None
    return first or (codes.meant(code.alternate_code, code.alternate_system) if code.alternate_code else None)


def _quantity(code: Coded, blood: bool, by_name: bool) -> CanonicalCode | None:
    first = canonical_code(code.code, code.system, code.text, blood=blood, by_name=by_name) if code.code else None
    if first is None and code.alternate_code:
        return canonical_code(code.alternate_code, code.alternate_system, code.alternate_text, blood=blood, by_name=by_name)
    return first


Understood = tuple[Canonical | None, tuple[str, ...]]
"""The canonical quantity, and flags that say why there is none."""


def canonical_of(meant: Meaning, value: Value, raw: str, marks: Delimiters) -> Understood:
    """What a value means for a quantity; an answer in words means something for two kinds of them."""
    quantity = meant.quantity
    if value.num is not None or quantity is None:
        return quantified(meant, value.num)
    if quantity.code == AVPU:
        return _answered(value, raw, marks)
    if value.text is None or value.flags:
        return None, ()
    air = AIR.get(quantity.code) if value.text.strip().lower() in ROOM_AIR else None
    if air is not None:
        return Canonical(code=quantity.code, value_num=air, unit=quantity.unit), ()
    return _with_its_unit(quantity, value.text) if meant.unit is None else (None, ("unmapped_answer",))


def _with_its_unit(quantity: CanonicalCode, text: str) -> Understood:
    """A number and its unit in one text, as `6.9 mmol/L` where OBX-6 is empty; the value stays the text that was sent."""
    found = WITH_UNIT.match(text.strip()) if len(text) <= LONGEST_NUMBER else None
    factor = conversion(quantity.sent_as or quantity.code, found[2], quantity.unit) if found else None
    if found is None or factor is None:
        return None, ("unmapped_answer",)
    number = float(found[1]) * factor[0] + factor[1]
    if not quantity.low - 1e-9 <= number <= quantity.high + 1e-9:
        return None, ("impossible_value",)
    return Canonical(code=quantity.code, value_num=number, unit=quantity.unit), ("unit_in_text",)


def quantified(meant: Meaning, sent: float | None) -> Understood:
    """What a number means."""
    quantity = meant.quantity
    if quantity is None or sent is None:
        return None, UNMAPPED_CODE if meant.code is not None else NO_CODE_SENT
    if meant.factor is None:
        return None, ("unmapped_unit",) if quantity.code != AVPU else ("unmapped_answer",)
    number = sent * meant.factor[0] + meant.factor[1]
    if not quantity.low - 1e-9 <= number <= quantity.high + 1e-9:
        return None, ("impossible_value",)
    return Canonical(code=quantity.code, value_num=number, unit=quantity.unit), ()


def _answered(value: Value, raw: str, marks: Delimiters) -> Understood:
    answer = _answer(value, raw, marks)
    if answer is not None:
        return Canonical(code=AVPU, value_text=answer), ()
    return None, ("unmapped_answer",) if value.text else ()


def _answer(value: Value, raw: str, marks: Delimiters) -> str | None:
    for part in (*marks.parts(raw), value.text or ""):
        answer = RESPONSIVENESS.get(marks.text(part).strip().lower())
        if answer is not None:
            return answer
    return None
