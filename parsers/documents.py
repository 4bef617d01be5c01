"""Document messages (MDM) to notes."""

from parsers.coded import coded
from parsers.context import Context, number_of
from parsers.events import Event, Note
from parsers.fields import at, component, known
from parsers.message import Reason


def translate(context: Context) -> tuple[Event, ...] | Reason:
    """One note: what TXA says of the document and the text of all its OBX-5, a line each."""
    txa = context.first("TXA")
    if txa is None:
        return Reason(code="100", detail="TXA: a document message needs a document header")
    marks = context.marks
    kind = coded(at(txa, 2), "service", context.encoding, context.separator) if known(at(txa, 2)) else None
    lines = [
        marks.text(repeat)
        for segment in context.segments
        if segment[0] == "OBX" and at(segment, 2).strip() not in ("ED", "RP")
        for repeat in marks.repeats(at(segment, 5))
    ]
    note = Note(
        document_id=number_of(txa, 12, marks),
        parent_document_id=number_of(txa, 13, marks),
        document_type=(kind.code or kind.text) if kind else None,
        status=known(at(txa, 17)),
        author=component(marks, at(txa, 9), 1),
        written_at=context.time(at(txa, 6)) or context.time(at(txa, 4)) or context.sent_at,
        text="\n".join(lines),
    )
    return (note,)
