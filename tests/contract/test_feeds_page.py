"""The page on feeds says of every event what it does: what the reader reads, and no event more."""

import re
from collections.abc import Iterator
from pathlib import Path

from parsers import adt, documents
from parsers.merges import MERGES
from parsers.read import GIVEN, ORDERS, OUL
from parsers.unused import TRIGGERS

PAGE = (Path(__file__).parents[2] / "infra/docs/feeds.md").read_text()
ROWS = [row.split("|")[1:3] for row in PAGE.split("## What each message does")[1].splitlines() if row.startswith("| ") and "---" not in row]


def spelled_out(cell: str) -> Iterator[str]:
    """`A14–A16` is A14, A15 and A16."""
    for letter, first, last in re.findall(r"\b([ART])(\d\d)(?:–[ART](\d\d))?", cell):
        yield from (f"{letter}{number:02}" for number in range(int(first), int(last or first) + 1))


def rows(start: str) -> list[tuple[set[str], str]]:
    return [(set(spelled_out(cell)), told) for cell, told in ROWS if cell.strip().startswith(start)]


def test_every_adt_event_that_is_read_is_told_and_none_that_is_not() -> None:
    read = {*adt.ADMITS, *adt.MOVES, *adt.UPDATES, *adt.CANCELS, *MERGES, "A03", "A09", "A21", "A22", "A60"}
    told = {event for events, does in rows("ADT") if "ignored" not in does for event in events}
    assert told == read


def test_every_adt_event_that_is_ignored_is_told() -> None:
    told = {f"ADT^{event}" for events, does in rows("ADT") if "ignored" in does for event in events}
    assert told == set(TRIGGERS)


def test_orders_results_and_documents_are_told_by_their_kinds() -> None:
    kinds = {kind for cell, _ in ROWS for kind in re.findall(r"\b[A-Z]{3}\b", cell)}
    assert {name[:3] for name in (*ORDERS, *GIVEN, *OUL)} <= kinds
    assert rows("MDM")[0][0] == set(documents.ACTIONS)
