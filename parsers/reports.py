"""Reports that come as results: an ORU whose OBX are the lines of a text (radiology, consultation, discharge) to one note."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from parsers.context import Context
from parsers.events import Event, Note
from parsers.fields import at, component, known
from parsers.services import REPORTS

if TYPE_CHECKING:
    from parsers.results import Group

TEXT = frozenset({"TX", "FT"})
LINES = 3
"""So many OBX of text with one code are the lines of a report, whatever the order is called; fewer, or each with a code of its own, are answers."""

SUFFIXES = frozenset({"GDT", "IMP", "ADT", "ANT", "DEV", "REC", "TCM", "CNP", "MED"})
"""Suffixes of OBX-3 that name a part of a report (HL7 2.3.1, 7.1.3): diagnosis or impression, addendum, recommendation …"""

ADDENDUM = "ADT"


def concerns(group: "Group") -> bool:
    """Whether an order's result is a text for a clinician."""
    texts = _texts(group) if group.in_words else []
    if not texts or group.obr is None:
        return False
    return _lines(texts) >= LINES or at(group.obr, 24).strip().upper() in REPORTS or any(_suffix(obx) in SUFFIXES for obx in texts)


def notes(context: Context, groups: "Sequence[Group]") -> list[Event]:
    """One note an order that is a report: every line of text in order, the headings of its parts as sent."""
    return [_note(context, group) for group in groups if concerns(group)]


def _texts(group: "Group") -> list[Sequence[str]]:
    return [group.segments[place] for place in group.in_words if group.observations[place].value_type in TEXT]


def _lines(texts: list[Sequence[str]]) -> int:
    return max(Counter(at(obx, 3) for obx in texts).values())


def _suffix(obx: Sequence[str]) -> str:
    """`71020&IMP^Chest^L`: what follows the first subcomponent. Delimiters other than the usual are not looked for: a suffix is a thing of 2.1 to 2.3."""
    return at(obx, 3).split("^", 1)[0].partition("&")[2].strip().upper()


def _note(context: Context, group: "Group") -> Note:
    obr = group.obr or ()
    marks = context.marks
    service = context.coded(at(obr, 4))
    lines = [marks.text(repeat) for obx in _texts(group) for repeat in marks.repeats(at(obx, 5))]
    parent = at(obr, 29).split(marks.component)
    return Note(
        document_id=group.order.number,
        parent_document_id=known((parent[1] if len(parent) > 1 else parent[0]).split(marks.subcomponent)[0]),
        document_type=service.code or service.text,
        status=group.order.status,
        author=_person(context, at(obr, 32)),
        written_at=context.time(at(obr, 22)) or group.order.observed_at or context.sent_at,
        text="\n".join(lines),
        action=_action(group),
        authenticated_by=_person(context, at(obr, 33)),
        document_title=service.text,
        references=tuple(one.value_text or "" for one in group.observations if "by_reference" in one.flags),
    )


def _person(context: Context, raw: str) -> str | None:
    """NDL: the identifier is the first subcomponent of the first component."""
    first = component(context.marks, raw, 1)
    return known(first.split(context.marks.subcomponent, 1)[0]) if first else None


def _action(group: "Group") -> Literal["new", "addendum", "edit", "cancel"]:
    """By OBR-25 (table 0123): C corrects the text that was, X takes it back; a text of addenda alone adds to it."""
    if all(_suffix(obx) == ADDENDUM for obx in _texts(group)):
        return "addendum"
    match (group.order.status or "")[:1].upper():
        case "C":
            return "edit"
        case "X" | "D":
            return "cancel"
        case _:
            return "new"
