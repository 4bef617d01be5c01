"""Drugs, fluids and gases: what was ordered (RXO, RXE), dispensed (RXD) or given (RXA)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from parsers.context import Context, number_of
from parsers.drugs import Therapy, therapy_of
from parsers.events import Medication
from parsers.fields import at, component, known
from parsers.services import SEEN
from parsers.values import value_of

if TYPE_CHECKING:
    from parsers.orders import Ordered

Segment = Sequence[str]
DRUGS = frozenset({"RXO", "RXE", "RXD", "RXG", "RXA"})


class Places(NamedTuple):
    """Where a segment says what: field numbers, 0 where it does not."""

    drug: int
    amount: int
    unit: int
    rate: int = 0
    rate_unit: int = 0


PLACES: Mapping[str, Places] = MappingProxyType(
    {
        "RXO": Places(1, 2, 4, 21, 22),
        "RXE": Places(2, 3, 5, 23, 24),
        "RXD": Places(2, 4, 5),
        "RXG": Places(4, 5, 7, 15, 16),
        "RXA": Places(5, 6, 7),
    }
)
"""HL7 2.5.1, chapter 4."""

UNKNOWN_AMOUNT = 999.0
"""RXA-6 where the amount is not known (HL7 2.5.1, 4.14.7.6)."""

NOT_GIVEN = frozenset({"RE", "NA"})
"""HL7 table 0322: refused, not administered."""


def medications(context: Context, ordered: "Ordered") -> list[Medication]:
    """One for each RXA; without one, for the RXG, else the RXD, else the RXE, else the RXO: each says anew what the one before it began."""
    for name in ("RXA", "RXG", "RXD", "RXE", "RXO"):
        segments = [segment for segment in ordered.segments if segment[0] == name]
        if segments:
            within = [_of(context, at(part, 2)) for part in ordered.segments if part[0] == "RXC"]
            solute = next((part for part in within if part not in (None, "fluid")), None)
            return [_medication(context, ordered, segment, solute) for segment in (segments if name == "RXA" else segments[-1:])]
    return []


def _medication(context: Context, ordered: "Ordered", segment: Segment, solute: Therapy | None) -> Medication:
    """`solute`: what an infusion carries (RXC), which says more than the carrier."""
    therapy = _of(context, at(segment, PLACES[segment[0]].drug))
    places = PLACES[segment[0]]
    marks = context.marks
    drug = context.coded(at(segment, places.drug))
    orc, rxr = ordered.orc, ordered.first("RXR")
    completion = known(at(segment, 20)) if segment[0] == "RXA" else None
    dose = _number(context, at(segment, places.amount))
    rate, rate_unit = _rate(context, segment, places)
    timing = ordered.first("TQ1")
    began, ended = (at(segment, 3), at(segment, 4)) if segment[0] == "RXA" else (at(timing, 7), at(timing, 8)) if timing else ("", "")
    return Medication(
        action=_action(segment, completion),
        code=drug.code or drug.alternate_code,
        code_system=drug.system if drug.code else drug.alternate_system,
        display=drug.text or drug.alternate_text,
        therapy=therapy if therapy not in (None, "fluid") else solute or therapy,
        dose_num=None if segment[0] == "RXA" and dose == UNKNOWN_AMOUNT else dose,
        dose_unit=_unit(context, at(segment, places.unit)),
        rate_num=rate,
        rate_unit=rate_unit,
        route=component(marks, at(rxr, 1), 1) if rxr is not None else None,
        started_at=context.time(began) or context.time(ordered.timing(context, 4) or ""),
        ended_at=context.time(ended),
        control=known(at(orc, 1)),
        status=known(at(orc, 5)),
        placer_number=number_of(orc, 2, marks),
        filler_number=number_of(orc, 3, marks),
        priority=(component(marks, at(timing, 9), 1) if timing is not None else None) or ordered.timing(context, 6),
        completion=completion,
    )


def _action(segment: Segment, completion: str | None) -> Literal["ordered", "dispensed", "given", "not_given"]:
    """RXA-21 D (table 0206) takes back a record of giving."""
    if segment[0] == "RXA":
        taken_back = at(segment, 21).strip().upper() == "D"
        return "not_given" if taken_back or (completion or "").upper() in NOT_GIVEN else "given"
    return "dispensed" if segment[0] == "RXD" else "ordered"


def _number(context: Context, raw: str) -> float | None:
    return value_of("NM", raw, context.marks).num


def _unit(context: Context, raw: str) -> str | None:
    unit = context.coded(raw, "unit")
    return unit.code or unit.text


def _rate(context: Context, segment: Segment, places: Places) -> tuple[float | None, str | None]:
    """RXO-21/22, RXE-23/24 and RXG-15/16; RXA-12 says the time that the amount of RXA-6 was given in: number and unit in one, or a unit alone."""
    if places.rate:
        return _number(context, at(segment, places.rate)), _unit(context, at(segment, places.rate_unit))
    per = known(at(segment, 12)) if segment[0] == "RXA" else None
    amount, unit = _number(context, at(segment, places.amount)), _unit(context, at(segment, places.unit))
    return (amount, f"{unit}/{context.marks.text(per)}") if per and unit and amount is not None else (None, None)


def _of(context: Context, raw: str) -> Therapy | None:
    """Every component that is text may name the drug: the ninth holds the original text of a CWE."""
    drug = context.coded(raw)
    names = " / ".join(part for part in context.marks.parts(raw.split(context.marks.repetition, 1)[0]) if part.strip())
    return therapy_of((drug.code or "")[:SEEN], (drug.system or "")[:SEEN], context.marks.text(names)[:SEEN])
