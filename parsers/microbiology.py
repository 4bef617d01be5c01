"""Cultures, what grew in them and what it bears: OBR and OBX of microbiology, tied together by OBR-26 and OBR-29."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from parsers.context import Context
from parsers.events import Culture, Event, Observation, Organism, Susceptibility
from parsers.fields import at, known
from parsers.observation import STATUS
from parsers.services import is_culture

if TYPE_CHECKING:
    from parsers.results import Group

ORGANISM_CODES = frozenset(
    {
        "600-7", "17934-1", "17928-3", "6463-4", "634-6", "635-3", "630-4", "624-7", "626-2", "6460-0", "606-4", "609-8", "610-6", "611-4",
        "612-2", "613-0", "615-5", "618-9", "619-7", "620-5", "622-1", "623-9", "625-4", "628-8", "632-0", "43409-2", "41852-5", "11475-1",
        "580-1", "601-5", "543-9", "20878-5", "90423-5",
    }
)  # fmt: skip
"""LOINC: bacteria, fungi or organisms identified in a specimen by culture. What is not listed is known by its words."""

_ORGANISM = re.compile(r"organism|bacteria identified|fungus identified|isolate|microbe|culture result|\bgrowth\b", re.I)
_NOTHING_GREW = re.compile(
    r"\bno (?:\w+ ){0,3}(?:growth|organisms?|bacteria|pathogens?)\b|\bnegative\b|\bnot? isolated\b|\bsterile\b", re.I
)
_SUSCEPTIBILITY = re.compile(r"suscept|\bmic\b|sensitivit|kirby|\[?minimum inhibitory", re.I)

BEARS = frozenset({"S", "I", "R", "SDD", "NS", "MS", "VS", "S-DD"})
"""HL7 table 0078: interpretations of a susceptibility."""

WORDS = {"SUSCEPTIBLE": "S", "SENSITIVE": "S", "INTERMEDIATE": "I", "RESISTANT": "R"}

_CODED = frozenset({"CE", "CWE", "CNE", "ST", "TX", "IS"})


def concerns(group: "Group") -> bool:
    """Whether an order is of microbiology, or hangs on a result."""
    obr = group.obr
    return obr is not None and (is_culture(at(obr, 4), at(obr, 24).strip().upper()) or _tests_a_parent(group))


def _tests_a_parent(group: "Group") -> bool:
    """Also where only the words of a value say so: what hangs on a result of microbiology is no other test."""
    return group.order.parent_key is not None and any(
        (one.interpretation or "") in BEARS or (one.value_text or "").strip().upper() in (*WORDS, *BEARS) for one in group.observations
    )


def parent_key(context: Context, obr: Sequence[str]) -> str | None:
    """The `result_key` of the result that asked for this order: OBR-29's filler (else placer) number, OBR-26's identifier and sub-id."""
    marks = context.marks
    orders, result = at(obr, 29), at(obr, 26)
    if not known(orders) or not known(result):
        return None
    placer, filler, *_ = (*marks.parts(orders.split(marks.repetition, 1)[0]), "", "")
    number = known(filler.split(marks.subcomponent, 1)[0]) or known(placer.split(marks.subcomponent, 1)[0])
    identifier, sub_id, *_ = (*marks.parts(result.split(marks.repetition, 1)[0]), "", "")
    code = known(identifier.split(marks.subcomponent, 1)[0])
    return f"{marks.text(number)}|{marks.text(code)}|{sub_id.strip()}" if number and code else None


def findings(context: Context, groups: "Sequence[Group]") -> list[Event]:
    """A culture for each order that has no parent, an organism for each OBX that names one, a susceptibility for each that tests one."""
    events: list[Event] = []
    organisms: dict[str, str] = {}
    for group in groups:
        if not concerns(group):
            continue
        if group.order.parent_key is None:
            events.append(_culture(context, group))
        for obx, one in zip(group.segments, group.observations, strict=True):
            if _is_susceptibility(context, group, obx, one):
                events.append(_susceptibility(context, group, obx, one, organisms))
            elif _is_organism(obx, one):
                found = _organism(context, group, obx, one)
                events.append(found)
                if found.result_key is not None and found.grew:
                    organisms[found.result_key] = found.display or found.code or ""
    return events


def _culture(context: Context, group: "Group") -> Culture:
    obr = group.obr or ()
    service = context.coded(at(obr, 4))
    specimen = context.coded(group.specimen.strip())
    return Culture(
        order_number=group.order.number,
        code=service.code or service.alternate_code,
        code_system=service.system,
        display=service.text or service.alternate_text,
        specimen=specimen.text or specimen.code,
        collected_at=group.order.observed_at,
        status=STATUS.get((group.order.status or "F")[:1].upper(), "final"),
    )


def _is_organism(obx: Sequence[str], one: Observation) -> bool:
    if one.value_text is None or one.value_type not in _CODED:
        return False
    return one.code in ORGANISM_CODES or _ORGANISM.search(at(obx, 3)) is not None


def _answer(context: Context, obx: Sequence[str], one: Observation) -> str | None:
    """S, I, R and kin where they are the value itself: its code, or its word."""
    code = context.marks.parts(at(obx, 5))[0] if one.value_type in _CODED else ""
    said = ((one.value_text or "").strip().upper(), context.marks.text(code).strip().upper())
    return next((WORDS.get(word, word) for word in said if word in WORDS or word in BEARS), None)


def _is_susceptibility(context: Context, group: "Group", obx: Sequence[str], one: Observation) -> bool:
    if (one.interpretation or "") in BEARS:
        return group.order.parent_key is not None or one.code not in ORGANISM_CODES
    if group.order.parent_key is None:
        return False
    return _SUSCEPTIBILITY.search(one.display or one.code) is not None or _answer(context, obx, one) is not None


def _organism(context: Context, group: "Group", obx: Sequence[str], one: Observation) -> Organism:
    sent = context.coded(at(obx, 5), "code") if one.value_type in ("CE", "CWE", "CNE") else None
    name = (sent.text or sent.alternate_text or sent.code) if sent else one.value_text
    return Organism(
        order_number=group.order.number,
        result_key=one.result_key,
        code=sent.code or sent.alternate_code if sent else None,
        code_system=(sent.system if sent.code else sent.alternate_system) if sent else None,
        display=name,
        grew=_NOTHING_GREW.search(name or "") is None,
        observed_at=one.observed_at,
        status=one.status,
    )


def _susceptibility(context: Context, group: "Group", obx: Sequence[str], one: Observation, organisms: dict[str, str]) -> Susceptibility:
    parent = group.order.parent_key
    marks = context.marks
    stated = marks.parts(at(group.obr or (), 26))
    named = marks.text(stated[2].split(marks.subcomponent)[-1]) if len(stated) > 2 and known(stated[2]) else None
    return Susceptibility(
        parent_key=parent,
        organism=(organisms.get(parent) if parent else None) or named or (next(iter(organisms.values())) if len(organisms) == 1 else None),
        code=one.code or None,
        code_system=one.code_system,
        display=one.display,
        interpretation=one.interpretation if one.interpretation in BEARS else _answer(context, obx, one),
        value_num=one.value_num,
        comparator=one.comparator,
        unit=one.unit,
        observed_at=one.observed_at,
        status=one.status,
    )
