"""Document messages (MDM T01–T11) to notes: new, changed in status, added to, edited, replaced or taken back."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from parsers.context import Context, number_of
from parsers.events import Event, Note
from parsers.fields import at, component, known
from parsers.message import Reason
from parsers.values import value_of

Action = Literal["new", "status", "addendum", "edit", "replacement", "cancel"]

ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        "T01": "new", "T02": "new", "T03": "status", "T04": "status", "T05": "addendum", "T06": "addendum",
        "T07": "edit", "T08": "edit", "T09": "replacement", "T10": "replacement", "T11": "cancel",
    }
)  # fmt: skip
"""HL7 2.5.1, 9.6: the odd ones tell without the text, the even ones bring it."""


def translate(context: Context, trigger: str) -> tuple[Event, ...] | Reason:
    """One note for each TXA: what it says of the document, and the text of the OBX-5 that follow, a line each."""
    starts = [place for place, segment in enumerate(context.segments) if segment[0] == "TXA"]
    if not starts:
        return Reason(code="100", detail="TXA: a document message needs a document header")
    ends = [*starts[1:], len(context.segments)]
    return tuple(_note(context, context.segments[start:end], ACTIONS[trigger]) for start, end in zip(starts, ends, strict=True))


def _note(context: Context, segments: Sequence[Sequence[str]], action: Action) -> Note:
    txa, marks = segments[0], context.marks
    kind = context.coded(at(txa, 2))
    lines: list[str] = []
    references: list[str] = []
    for obx in segments:
        if obx[0] != "OBX":
            continue
        sent_as = at(obx, 2).split(marks.component, 1)[0].strip()
        if sent_as in ("ED", "RP"):
            references.append(value_of(sent_as, at(obx, 5), marks).text or "")
        elif sent_as in ("CE", "CWE", "CNE", "SN"):
            lines.append(value_of(sent_as, at(obx, 5), marks).text or "")
        else:
            lines += [marks.text(repeat) for repeat in marks.repeats(at(obx, 5))]
    return Note(
        document_id=number_of(txa, 12, marks),
        parent_document_id=number_of(txa, 13, marks),
        document_type=kind.code or kind.text,
        status=known(at(txa, 17)),
        author=component(marks, at(txa, 9), 1) or component(marks, at(txa, 5), 1),
        written_at=context.time(at(txa, 6)) or context.time(at(txa, 4)) or context.sent_at,
        text="\n".join(lines),
        action=action,
        authenticated_by=component(marks, at(txa, 22), 1),
        availability=known(at(txa, 19)),
        document_title=kind.text,
        references=tuple(reference for reference in references if reference),
    )
