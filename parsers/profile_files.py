"""Profiles from files: one TOML a feed, its local codes in a table beside it; everything is checked before anything is used."""

import csv
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from parsers.charsets import CHARACTER_SETS
from parsers.codes import AVPU, canonical_code
from parsers.profile import PLAIN, CodeMap, Mapped, Place, Profile
from parsers.units import conversion, is_ucum

SHIPPED = Path(__file__).parent / "feeds"
COLUMNS = ("code", "system", "loinc", "unit", "comment")


class ProfileFault(Exception):
    """A profile or a table of codes cannot be used: file, line or key, and why. The second line says what to do."""


class _Messages(Struct, frozen=True, forbid_unknown_fields=True):
    character_set: str = ""
    timezone: str = ""
    sequence_numbers: Literal["refuse", "refuse_protocol", "ignore"] = "refuse_protocol"
    read_as: dict[str, str] = {}
    decimal_comma: bool = False
    expected_segments: tuple[str, ...] = ()


class _Patient(Struct, frozen=True, forbid_unknown_fields=True):
    identifier_types: tuple[str, ...] = PLAIN.identifier_types
    authorities: tuple[str, ...] = ()


class _Visit(Struct, frozen=True, forbid_unknown_fields=True):
    number: tuple[Place, ...] = PLAIN.encounter_number
    cancelled_transfer: Literal["PV1-3", "PV1-6"] = "PV1-3"


class _Codes(Struct, frozen=True, forbid_unknown_fields=True):
    tables: tuple[str, ...] = ()
    units: dict[str, str] = {}


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    description: str = ""
    messages: _Messages = _Messages()
    patient: _Patient = _Patient()
    visit: _Visit = _Visit()
    codes: _Codes = _Codes()


def shipped() -> list[str]:
    """The names of the example profiles."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load_profile(name: str) -> Profile:
    """The profile of that name among those shipped, else in that file; an empty name is a feed that does as HL7 says. Raises ProfileFault."""
    if not name:
        return PLAIN
    path = SHIPPED / f"{name}.toml" if name in shipped() else Path(name)
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileFault(f"{name} is no profile\nname one of {', '.join(shipped())}, or a TOML file") from error
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ProfileFault(f"{path}: {error}\ncorrect that key; the profiles shipped show them all") from error
    return _checked(path, file)


def _checked(path: Path, file: _File) -> Profile:
    messages = file.messages
    if messages.character_set.upper() not in CHARACTER_SETS:
        raise ProfileFault(f"{path}: messages.character_set is not in HL7 table 0211\nwrite it like 8859/1 or UNICODE UTF-8")
    for unit in file.codes.units.values():
        if not is_ucum(unit):
            raise ProfileFault(f"{path}: codes.units: {unit} is no UCUM unit\nwrite it like mm[Hg] or 10*9/L")
    codes: dict[tuple[str, str], Mapped] = {}
    for table in file.codes.tables:
        codes |= read_table(path.parent / table)
    return Profile(
        name=path.stem,
        description=file.description,
        timezone=_zone(path, messages.timezone),
        character_set=messages.character_set.upper(),
        sequence_numbers=messages.sequence_numbers,
        events=messages.read_as,
        decimal_comma=messages.decimal_comma,
        identifier_types=file.patient.identifier_types,
        authorities=file.patient.authorities,
        encounter_number=file.visit.number,
        cancelled_transfer=file.visit.cancelled_transfer,
        expected=frozenset(messages.expected_segments),
        codes=CodeMap(codes, file.codes.units),
    )


def _zone(path: Path, name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError) as error:
        raise ProfileFault(f"{path}: messages.timezone: {name} is no time zone\nwrite it like Europe/Vienna") from error


def read_table(path: Path) -> Mapping[tuple[str, str], Mapped]:
    """A site's codes: CSV with the columns of COLUMNS. `system` and `unit` may be empty. Raises ProfileFault, naming the line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(_rows(path, csv.DictReader(lines)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProfileFault(f"{path} cannot be read as a table of codes\nit is CSV in UTF-8 with the columns {','.join(COLUMNS)}") from error
    found: dict[tuple[str, str], Mapped] = {}
    for line, key, mapped in rows:
        if key in found:
            raise ProfileFault(f"{path}:{line}: {key[0]} is there twice\nkeep one of the two lines")
        found[key] = mapped
    return found


def _rows(path: Path, reader: "csv.DictReader[str]") -> Iterator[tuple[int, tuple[str, str], Mapped]]:
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ProfileFault(f"{path}:1: the columns are not {','.join(COLUMNS)}\nwrite them so, in this order")
    for row in reader:
        line = reader.line_num
        if None in row or None in row.values():
            raise ProfileFault(f"{path}:{line}: the line has not {len(COLUMNS)} columns\nquote what holds a comma")
        code, system, loinc, unit = (row[name].strip() for name in COLUMNS[:4])
        yield line, (code, system), _mapped(path, line, code, loinc, unit)


def _mapped(path: Path, line: int, code: str, loinc: str, unit: str) -> Mapped:
    if not code:
        raise ProfileFault(f"{path}:{line}: the code is empty\nwrite OBX-3.1 as the feed sends it")
    quantity = canonical_code(loinc, "LN", by_name=False)
    if quantity is None:
        raise ProfileFault(f"{path}:{line}: {loinc} is no LOINC code that Vigil understands\nparsers/codes.py lists them")
    if unit and (quantity.code == AVPU or conversion(quantity.sent_as or quantity.code, unit, quantity.unit) is None):
        raise ProfileFault(f"{path}:{line}: {unit} cannot be converted to {quantity.unit or 'an answer'}\ncorrect the unit or the code")
    return Mapped(quantity=quantity, unit=unit or None)
