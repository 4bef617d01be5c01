"""The items of a card: which there are stands in `card_items.toml`, what a run says of them in `source_attributes.py` and `tripod.py`."""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from scoring.models import source_attributes, tripod
from scoring.models.evidence import Entry, Evidence, Value


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`says`: what Vigil was made for and how; None where the run fills it."""

    number: str
    section: str
    name: str
    says: str | None = None


class Items(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`hti1`: the 31 source attributes; `tripod`: the items of TRIPOD+AI."""

    hti1: tuple[Item, ...]
    tripod: tuple[Item, ...]


@cache
def items() -> Items:
    """Every item in its list's order."""
    return msgspec.convert(tomllib.loads((files("scoring") / "models" / "card_items.toml").read_text(encoding="utf-8")), Items)


def attributes_of(evidence: Evidence) -> list[Entry]:
    """The source attributes, filled."""
    return [_entry(item, source_attributes.FILLED, evidence) for item in items().hti1]


def tripod_of(evidence: Evidence) -> list[Entry]:
    """The items of TRIPOD+AI, filled."""
    return [_entry(item, tripod.FILLED, evidence) for item in items().tripod]


def _entry(item: Item, filled: Mapping[str, Callable[[Evidence], Value]], evidence: Evidence) -> Entry:
    value, origin = filled[item.number](evidence) if item.says is None else (item.says, "design")
    return Entry(number=item.number, section=item.section, name=item.name, value=value, origin=origin)
