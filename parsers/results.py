"""Result messages (ORU, OUL) to observations: labs and vital signs, each with its time, status and what it replaces; cultures and reports beside them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from msgspec import structs

from parsers import microbiology, reports
from parsers.context import Context, number_of
from parsers.envelope import CONTINUES, UNENDED
from parsers.events import CodeStatus, Event, Observation
from parsers.events import Order as Ordered
from parsers.fields import at, known
from parsers.observation import Order, meaning_of, meanings, observe
from parsers.resuscitation import code_status_in
from parsers.services import not_blood

Segment = Sequence[str]


@dataclass(slots=True)
class Group:
    """One OBR with the OBX segments below it, in order; `obr` is None for OBX segments that stand alone."""

    order: Order
    obr: Segment | None = None
    specimen: str = ""
    note: str = ""
    found: list[tuple[Segment, Observation]] = field(default_factory=list)


@dataclass(slots=True)
class _Walk:
    """Where one is while walking down a message. `after`: the kind of segment that an NTE would speak of."""

    groups: list[Group]
    placer: str | None = None
    filler: str | None = None
    after: str = ""


def translate(context: Context) -> tuple[Event, ...]:
    """One observation an OBX, in order, then what their orders add up to. An OBX without an identifier is kept and flagged: it must not cost the potassium beside it."""
    groups = _groups(context, only_own_time=False)
    _distrust_cut_value(context, groups)
    observations: list[Event] = []
    further: list[Event] = []
    for group in groups:
        _tell_times_apart(group)
        observations += [observation for _, observation in group.found]
        further += code_statuses(context, group)
        if group.obr is not None and not group.found:
            further.append(_awaited(context, group, group.obr))
    if any(group.obr is not None and (microbiology.concerns(group) or reports.concerns(group)) for group in groups):
        further += microbiology.findings(context, groups)
        further += reports.notes(context, groups)
    return (*observations, *further)


def carried(context: Context) -> list[Event]:
    """The observations that a message about something else brings along: without a time of their own they are kept and never scored."""
    if "OBX" not in context.names:
        return []
    groups = _groups(context, only_own_time=True)
    _distrust_cut_value(context, groups)
    events: list[Event] = [observation for group in groups for _, observation in group.found]
    return events + [status for group in groups for status in code_statuses(context, group)]


def code_statuses(context: Context, group: Group) -> list[CodeStatus]:
    """What the OBX of a group say of resuscitation."""
    found = (code_status_in(context, obx, meaning_of(obx, group.order), one) for obx, one in group.found if one.value_num is None)
    return [status for status in found if status is not None]


def _awaited(context: Context, group: Group, obr: Segment) -> Ordered:
    """An order without results tells how far it is: OBR-25 (table 0123), such as I in the laboratory, or X for none to come."""
    service = context.coded(at(obr, 4))
    return Ordered(
        control=None,
        placer_number=number_of(obr, 2, context.marks),
        filler_number=number_of(obr, 3, context.marks) or group.order.number,
        code=service.code,
        code_system=service.system,
        display=service.text,
        status=group.order.status,
        priority=known(at(obr, 5)),
        ordered_at=context.time(at(obr, 6)) or context.sent_at,
    )


def _groups(context: Context, *, only_own_time: bool) -> list[Group]:
    specimens = _specimens(context)
    order = Order(meanings(context), only_own_time=only_own_time)
    walk = _Walk([Group(order)])
    for place, segment in enumerate(context.segments):
        match segment[0]:
            case "OBX":
                group = walk.groups[-1]
                group.found.append((segment, observe(context, segment, group.order)))
                walk.after = "OBX"
            case "NTE":
                _note(context, walk, segment)
            case "ORC":
                walk.placer, walk.filler = number_of(segment, 2, context.marks), number_of(segment, 3, context.marks)
                walk.after = ""
            case "OBR":
                walk.groups.append(_group(context, segment, walk, specimens.get(place, ""), order))
                walk.placer = walk.filler = None
                walk.after = "OBR"
            case "SPM":
                _specimen_itself(context, walk, order)
    return walk.groups


def _group(context: Context, obr: Segment, walk: _Walk, specimen: str, order: Order) -> Group:
    marks = context.marks
    number = number_of(obr, 3, marks) or number_of(obr, 2, marks) or walk.filler or walk.placer
    blood = not not_blood(at(obr, 4), at(obr, 15), specimen)
    inherited = Order(
        order.meanings if blood else meanings(context, blood=False),
        number,
        context.time(at(obr, 7)),
        known(at(obr, 25)),
        microbiology.parent_key(context, obr) if len(obr) > 26 else None,
        order.only_own_time,
    )
    return Group(inherited, obr, specimen or at(obr, 15))


def _specimen_itself(context: Context, walk: _Walk, order: Order) -> None:
    """An OBX behind an SPM that follows results, or comes before any order, is of the specimen: its temperature is not the patient's."""
    group = walk.groups[-1]
    walk.after = ""
    if group.found or group.obr is None:
        of_specimen = replace(order, meanings=meanings(context, blood=False, by_name=False), flags=("of_specimen",))
        walk.groups.append(Group(of_specimen))


def _specimens(context: Context) -> dict[int, str]:
    """SPM-4 by the place of its OBR: the SPM after the results (ORU from 2.5 on, OUL^R21 and R24), else the one before (OUL^R22 and R23)."""
    if "SPM" not in context.names:
        return {}
    found: dict[int, str] = {}
    before, place_of_order = "", -1
    for place, segment in enumerate(context.segments):
        if segment[0] == "OBR":
            place_of_order = place
            found[place] = before
        elif segment[0] == "SPM":
            if place_of_order >= 0 and not before:
                found[place_of_order] = f"{found[place_of_order]} {at(segment, 4)}"
            else:
                before = at(segment, 4)
        elif segment[0] == "PID":
            before, place_of_order = "", -1
    return found


def _note(context: Context, walk: _Walk, segment: Segment) -> None:
    """An NTE belongs to the OBX before it (HL7 2.5.1, 7.3.1); one behind the OBR is of every result of the order."""
    text = "\n".join(context.marks.text(repeat) for repeat in context.marks.repeats(at(segment, 3)))
    group = walk.groups[-1]
    if not text.strip():
        return
    if walk.after == "OBX" and group.found:
        obx, one = group.found[-1]
        group.found[-1] = (obx, structs.replace(one, note=f"{one.note}\n{text}" if one.note else text))
    elif walk.after == "OBR":
        group.note = f"{group.note}\n{text}" if group.note else text


def _tell_times_apart(group: Group) -> None:
    """A series in one order, the same code at several times, is several results; the same code and time are the lines of one. The order's note goes to each."""
    counted = Counter(one.result_key for _, one in group.found if one.result_key is not None)
    if group.note:
        group.found = [
            (obx, structs.replace(one, note=f"{group.note}\n{one.note}" if one.note else group.note)) for obx, one in group.found
        ]
    if len(counted) == len(group.found):
        return
    for key in [key for key, count in counted.items() if count > 1]:
        places = [place for place, (_, one) in enumerate(group.found) if one.result_key == key]
        times = {at(group.found[place][0], 14) for place in places}
        if len(times) == len(places):
            for place in places:
                obx, one = group.found[place]
                group.found[place] = (obx, structs.replace(one, result_key=f"{key}|{at(obx, 14)}"))


def _distrust_cut_value(context: Context, groups: list[Group]) -> None:
    """A message that stops inside OBX-5 without a line end may have said 120 where 12 arrived: kept, flagged, never scored."""
    cut = -2 if CONTINUES in context.flags else -1 if UNENDED in context.flags else 0
    if not cut or len(context.segments) < -cut:
        return
    last = context.segments[cut]
    if last[0] == "OBX" and len(last) <= 6 and groups[-1].found:
        obx, one = groups[-1].found[-1]
        groups[-1].found[-1] = (obx, structs.replace(one, canonical=None, flags=(*one.flags, "cut_short")))
