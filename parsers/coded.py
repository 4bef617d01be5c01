"""Coded and composite fields through hl7apy's datatype parsers, behind a bounded cache of immutable results.

Only fields of the hospital's vocabulary pass here (codes, units, locations): they repeat endlessly, and none of them is a person's.
"""

from functools import lru_cache
from types import MappingProxyType

from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_field
from msgspec import Struct

from parsers.fields import delimiters, known

READ_AS = "2.5.1"
"""hl7apy knows no version beyond 2.8.2 and differs little between those it knows for these types; one version reads them all."""

FIELDS = MappingProxyType({"code": "OBX_3", "service": "OBR_4", "unit": "OBX_6", "location": "PV1_3"})


class Coded(Struct, frozen=True, kw_only=True, gc=False):
    """A CE, CWE or CNE: code, text, system, and the alternative triple."""

    code: str | None = None
    text: str | None = None
    system: str | None = None
    alternate_code: str | None = None
    alternate_text: str | None = None
    alternate_system: str | None = None


LONGEST = 400
"""Characters of a field that is looked up in a cache; a longer one is no entry of a vocabulary, and would fill the memory that caches may take."""


def components(raw: str, role: str, encoding: str, separator: str) -> tuple[str | None, ...]:
    """The components of a field's first repetition by position, escapes decoded, empty ones None. `role` is a key of FIELDS."""
    if len(raw) <= LONGEST:
        return _components(raw, role, encoding, separator)
    marks = delimiters(separator, encoding)
    return tuple(marks.text(part) if known(part) else None for part in marks.parts(raw.split(marks.repetition, 1)[0]))


@lru_cache(maxsize=16_384)
def _components(raw: str, role: str, encoding: str, separator: str) -> tuple[str | None, ...]:
    marks = delimiters(separator, encoding)
    first = raw.split(marks.repetition, 1)[0]
    characters = {
        "FIELD": separator, "COMPONENT": marks.component, "REPETITION": marks.repetition, "ESCAPE": marks.escape,
        "SUBCOMPONENT": marks.subcomponent, "GROUP": "\r", "SEGMENT": "\r",
    }  # fmt: skip
    try:
        field = parse_field(first, name=FIELDS[role], version=READ_AS, encoding_chars=characters)
        numbered = {int(child.name.rsplit("_", 1)[1]): child.to_er7(characters) for child in field.children if child.name is not None}
    except HL7apyException:  # more than the type allows: the positions still say what they say
        numbered = dict(enumerate(marks.parts(first), 1))
    last = max(numbered, default=0)
    found = (known(numbered.get(number, "")) for number in range(1, last + 1))
    return tuple(marks.text(content) if content is not None else None for content in found)


def coded(raw: str, role: str, encoding: str, separator: str) -> Coded:
    """A coded field. A lone subcomponent-free text is a code without a system."""
    return (_coded if len(raw) <= LONGEST else _coded.__wrapped__)(raw, role, encoding, separator)


@lru_cache(maxsize=16_384)
def _coded(raw: str, role: str, encoding: str, separator: str) -> Coded:
    parts = (*components(raw, role, encoding, separator), None, None, None, None, None, None)
    return Coded(code=parts[0], text=parts[1], system=parts[2], alternate_code=parts[3], alternate_text=parts[4], alternate_system=parts[5])
