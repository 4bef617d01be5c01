"""What is peculiar to one feed: how its messages differ from what HL7 says, and what its local codes mean."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from parsers.codes import CanonicalCode

Place = Literal["PV1-19", "PV1-50", "PID-18"]
"""Where a visit's number may stand."""


class Mapped(Struct, frozen=True, kw_only=True):
    """What one local code means. `unit`: the UCUM unit its numbers are in where the feed sends none; `units`: feed's spellings to UCUM."""

    quantity: CanonicalCode
    unit: str | None = None


class CodeMap:
    """A site's codes and unit spellings. Compared and hashed as the object it is, so that caches tell feeds apart at no cost."""

    __slots__ = ("codes", "units")

    def __init__(self, codes: Mapping[tuple[str, str], Mapped] | None = None, units: Mapping[str, str] | None = None) -> None:
        self.codes = MappingProxyType(dict(codes or {}))
        self.units = MappingProxyType(dict(units or {}))

    def meant(self, code: str, system: str | None) -> Mapped | None:
        """What a code as sent means here; a row without a system holds for every system."""
        return self.codes.get((code, system or "")) or self.codes.get((code, ""))


NO_CODES = CodeMap()


class Profile(Struct, frozen=True, kw_only=True):
    """One feed. Everything has the value that HL7 gives it where a feed does as HL7 says.

    `timezone`: of times without an offset, where the installation says nothing else; `character_set`: table 0211, where MSH-18 is empty;
    `sequence_numbers`: `refuse` every message with MSH-13, or only those that ask for the protocol (0 and -1), or none (`ignore`);
    `events`: MSH-9 as sent to the event it is read as; `identifier_types` and `authorities`: which identifier of PID-3 keys a patient,
    the first that is there; `encounter_number`: where the visit's number stands; `cancelled_transfer`: where an A12 says where the patient
    is now; `decimal_comma`: numbers are written 12,5, as HL7 does not allow and some laboratories do;
    `expected`: segments that the feed sends and that Vigil is known not to need.
    """

    name: str = ""
    description: str = ""
    timezone: tzinfo | None = None
    character_set: str = ""
    sequence_numbers: Literal["refuse", "refuse_protocol", "ignore"] = "refuse_protocol"
    events: Mapping[str, str] = MappingProxyType({})
    identifier_types: tuple[str, ...] = ("MR", "MRN", "PI", "PN", "PT")
    authorities: tuple[str, ...] = ()
    encounter_number: tuple[Place, ...] = ("PV1-19", "PID-18")
    cancelled_transfer: Literal["PV1-3", "PV1-6"] = "PV1-3"
    decimal_comma: bool = False
    expected: frozenset[str] = frozenset()
    codes: CodeMap = NO_CODES


PLAIN = Profile()
"""A feed that does as HL7 says. Its identifier types are of HL7 table 0203: medical record numbers and patient internal identifiers; a
national number is no key, it may be missing or shared."""


def zone_of(profile: Profile, setting: str) -> tzinfo:
    """The zone of times without an offset: the installation's own word for the feed (an IANA name), else the profile's, else UTC.

    >>> str(zone_of(PLAIN, "Europe/Vienna")), zone_of(PLAIN, "")
    ('Europe/Vienna', datetime.timezone.utc)
    """
    return ZoneInfo(setting) if setting else profile.timezone or UTC
