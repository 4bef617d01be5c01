"""Allergies: IAM, which adds, changes and deletes one (A60), and AL1, which lists what is known."""

from collections.abc import Sequence
from datetime import datetime

from parsers.context import Context
from parsers.events import Allergy
from parsers.fields import at, component, known


def allergies(context: Context, stated_at: datetime | None) -> list[Allergy]:
    """One event a segment that says to what."""
    return [
        allergy
        for segment in context.all("IAM", "AL1")
        if (allergy := _allergy(context, segment, stated_at, detailed=segment[0] == "IAM")) is not None
    ]


def _allergy(context: Context, segment: Sequence[str], stated_at: datetime | None, *, detailed: bool) -> Allergy | None:
    """IAM-2 to 6, 11 and 13; AL1-2 to 6: reactions repeat and are joined."""
    marks = context.marks
    to = context.coded(at(segment, 3))
    if to.code is None and to.text is None:
        return None
    reactions = [text for repeat in marks.repeats(at(segment, 5)) if (sent := context.coded(repeat)) and (text := sent.text or sent.code)]
    recorded = (context.time(at(segment, 13)) or context.time(at(segment, 11))) if detailed else context.time(at(segment, 6))
    return Allergy(
        action=component(marks, at(segment, 6), 1) if detailed else None,
        type=component(marks, at(segment, 2), 1),
        code=to.code,
        code_system=to.system,
        display=to.text,
        severity=component(marks, at(segment, 4), 1),
        reaction=known("; ".join(reactions)),
        recorded_at=recorded or stated_at,
    )
