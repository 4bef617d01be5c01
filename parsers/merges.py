"""Merges, moves and changes of identifiers: what MRG says was, and what PID and PV1 say it is now (HL7 2.5.1, 3.5.2)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from msgspec import structs

from parsers.context import Context
from parsers.events import Event, Merge, MergeVisit, Move, Section
from parsers.fields import at, component
from parsers.identity import identifiers
from parsers.message import Patient, Reason, Unused
from parsers.unused import NO_NUMBER, SAME

What = Literal[
    "patient", "renumbered_patient", "account", "visit", "renumbered_account", "renumbered_visit", "moved_account", "moved_visit"
]

MERGES: Mapping[str, tuple[What, ...]] = MappingProxyType(
    {
        "A18": ("patient",), "A30": ("patient",), "A34": ("patient",), "A39": ("patient",), "A40": ("patient",),
        "A35": ("account",), "A41": ("account",), "A36": ("patient", "account"), "A42": ("visit",),
        "A43": ("renumbered_patient",), "A46": ("renumbered_patient",), "A47": ("renumbered_patient",),
        "A44": ("moved_account",), "A45": ("moved_visit",), "A49": ("renumbered_account",), "A50": ("renumbered_visit",),
    }
)  # fmt: skip
"""A18, A34 and A36 are the forms of A40 before 2.3.1 (HL7 2.5.1, 3.3.40). A43 moves everything below an identifier: where PID-3 has another
than MRG-1, what was known by the one is known by the other; where they are the same, nothing that Vigil keeps moves."""

_FIELD: Mapping[Section, tuple[int, str]] = MappingProxyType({"account": (3, "PID-18"), "visit": (5, "PV1-19")})


def merges(context: Context, trigger: str, happened_at: datetime | None) -> tuple[Event, ...] | Reason | Unused:
    """The events of each MRG of this patient, each with the PV1 that follows it; the first fault refuses all."""
    found: list[Event] = []
    why: Unused | None = None
    places = [place for place, segment in enumerate(context.segments) if segment[0] == "MRG"]
    if not places:
        return Reason(code="100", detail="MRG: a merge needs the identifier that is merged away")
    visit_number = _visit_number(context, context.segments)
    for number, (place, end) in enumerate(zip(places, [*places[1:], len(context.segments)], strict=True), 1):
        segments = context.segments[place:end]
        for what in MERGES[trigger]:
            now = _account(context) if what.endswith("account") else _visit_number(context, segments) or visit_number
            outcome = _one(context, what, segments[0], now, happened_at, alone=len(MERGES[trigger]) == 1)
            if isinstance(outcome, Reason):
                return structs.replace(outcome, occurrence=number) if outcome.detail.startswith("MRG") else outcome
            if isinstance(outcome, Unused):
                why = outcome
            else:
                found += outcome
    return tuple(found) or why or Unused(why=SAME)


def _one(
    context: Context, what: What, mrg: Sequence[str], after: str | None, happened_at: datetime | None, *, alone: bool
) -> list[Event] | Reason | Unused:
    """`after`: the number that the account or visit has now; `alone`: whether the message is about nothing else."""
    if what in ("patient", "renumbered_patient"):
        return _patient(context, mrg, happened_at, renumbered=what != "patient")
    section: Section = "account" if what.endswith("account") else "visit"
    field, target = _FIELD[section]
    before = component(context.marks, at(mrg, field), 1)
    if before is None or after is None:
        place = f"MRG-{field}" if before is None else target
        if what.startswith("moved"):  # the facts of a visit stay with the wrong patient: that its sender must hear
            return Reason(code="101", detail=f"{place}: the number of the {section} is missing")
        return Unused(why=NO_NUMBER.format(field=place, section=section)) if alone else []
    if what.startswith("moved"):
        return _moved(context, mrg, section, before, after, happened_at)
    return [
        MergeVisit(
            section=section, occurred_at=happened_at, from_encounter_id=before, encounter_id=after, renumbered=what.startswith("renumbered")
        )
    ]


def _patient(context: Context, mrg: Sequence[str], happened_at: datetime | None, *, renumbered: bool) -> list[Event] | Reason:
    """MRG-1 (else MRG-4) may name a patient at several authorities: each medical record number that is not this patient's is merged away."""
    former = identifiers(at(mrg, 1), context.marks) or identifiers(at(mrg, 4), context.marks)
    if not former:
        return Reason(code="101", detail="MRG-1: the identifier that is merged away is missing")
    preferred = [one for one in former if one.type in context.profile.identifier_types or one.authority in context.profile.authorities]
    now = context.patient.key if context.patient else None
    keys = dict.fromkeys(one.key for one in preferred or former[:1] if one.key != now)
    return [Merge(occurred_at=happened_at, from_key=key, renumbered=renumbered) for key in keys]


def _moved(
    context: Context, mrg: Sequence[str], section: Section, before: str, after: str, happened_at: datetime | None
) -> list[Event] | Reason:
    """Without MRG-1 the patient stays, and only the number changes."""
    former: list[Patient] = identifiers(at(mrg, 1), context.marks)
    now = context.patient.key if context.patient else None
    if not former or now is None:
        return [MergeVisit(section=section, occurred_at=happened_at, from_encounter_id=before, encounter_id=after, renumbered=True)]
    same = next((one for one in former if one.key == now), former[0])
    return [Move(section=section, occurred_at=happened_at, from_key=same.key, from_encounter_id=before, encounter_id=after)]


def _account(context: Context) -> str | None:
    pid = context.first("PID")
    return component(context.marks, at(pid, 18), 1) if pid is not None else None


def _visit_number(context: Context, segments: Sequence[Sequence[str]]) -> str | None:
    """PV1-19 of the first PV1 among these segments."""
    pv1 = next((segment for segment in segments if segment[0] == "PV1"), None)
    return component(context.marks, at(pv1, 19), 1) if pv1 is not None else None
