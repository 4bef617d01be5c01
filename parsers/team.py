"""Who treats the patient: the doctors of PV1 and the roles of ROL and PRT."""

from collections.abc import Sequence
from datetime import datetime

from parsers.context import Context
from parsers.events import Member, Team
from parsers.fields import at, component, known

PV1_ROLES = ((7, "attending"), (8, "referring"), (9, "consulting"), (17, "admitting"))
ENDED = frozenset({"DE", "D"})
"""ROL-2 and PRT-2 (HL7 table 0287): the role is taken away."""


def team(context: Context, stated_at: datetime | None) -> list[Team]:
    """One event with everyone named, none where nobody is."""
    members: list[Member] = []
    for segment in context.segments:
        if segment[0] == "PV1":
            for field, role in PV1_ROLES:
                members += _people(context, at(segment, field), role)
        elif segment[0] == "ROL":
            members += _role(context, segment, role=3, people=4, began=5, ended=6, stated_at=stated_at)
        elif segment[0] == "PRT":
            members += _role(context, segment, role=4, people=5, began=11, ended=12, stated_at=stated_at)
    if not members:
        return []
    encounter_id = context.visit.encounter_id if context.visit else None
    return [Team(occurred_at=stated_at, encounter_id=encounter_id, members=tuple(dict.fromkeys(members)))]


def _role(
    context: Context, segment: Sequence[str], *, role: int, people: int, began: int, ended: int, stated_at: datetime | None
) -> list[Member]:
    """ROL and PRT have the same shape at other places; what takes a role away ends it now where no end is said."""
    named = context.coded(at(segment, role))
    over = at(segment, 2).strip().upper() in ENDED
    return _people(
        context,
        at(segment, people),
        named.code or named.text or "",
        began_at=context.time(at(segment, began)),
        ended_at=context.time(at(segment, ended)) or (stated_at if over else None),
    )


def _people(context: Context, raw: str, role: str, *, began_at: datetime | None = None, ended_at: datetime | None = None) -> list[Member]:
    """XCN: the first component is the identifier, the ninth its authority. Who has only a name is not kept."""
    marks = context.marks
    found = []
    for repeat in marks.repeats(raw):
        identifier = component(marks, repeat, 1)
        if identifier is not None and role:
            assigner = component(marks, repeat, 9)
            authority = known(assigner.split(marks.subcomponent, 1)[0]) if assigner else None
            found.append(Member(role=role, identifier=identifier, authority=authority, began_at=began_at, ended_at=ended_at))
    return found
