"""Result messages (ORU, OUL) to observations: labs and vital signs, each with its time, status and what it replaces; cultures and reports beside them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

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

SPECIMENS = 500
"""Characters of specimens' names that are looked at: an order has one or two."""


@dataclass(slots=True)
class Group:
    """One OBR with the OBX segments below it and what they say, in order; `obr` is None for OBX segments that stand alone.

    `in_words`: the places of those that are no number.
    """

    order: Order
    obr: Segment | None = None
    specimen: str = ""
    note: str = ""
    segments: list[Segment] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    in_words: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Walk:
    """Where one is while walking down a message. `after`: the kind of segment that an NTE would speak of."""

    groups: list[Group]
    placer: str | None = None
    filler: str | None = None
    after: str = ""
    notes: list[str] = field(default_factory=list)


def translate(context: Context) -> tuple[Event, ...]:
    """One observation an OBX, in order, then what their orders add up to. An OBX without an identifier is kept and flagged: it must not cost the potassium beside it."""
    groups = _groups(context, only_own_time=False)
    _distrust_cut_value(context, groups)
    observations: list[Event] = []
    further: list[Event] = []
    for group in groups:
        _tell_times_apart(group)
        observations += group.observations
        further += code_statuses(context, group)
        if group.obr is not None and not group.observations and context.patient is not None:
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
    events: list[Event] = [one for group in groups for one in group.observations]
    return events + [status for group in groups for status in code_statuses(context, group)]


def code_statuses(context: Context, group: Group) -> list[CodeStatus]:
    """What the OBX of a group say of resuscitation."""
    found = []
    for place in group.in_words:
        obx = group.segments[place]
        status = code_status_in(context, obx, meaning_of(obx, group.order), group.observations[place])
        if status is not None:
            found.append(status)
    return found


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
        if walk.notes and segment[0] != "NTE":
            _keep_notes(walk)
        match segment[0]:
            case "OBX":
                group = walk.groups[-1]
                one = observe(context, segment, group.order)
                if one.value_num is None:
                    group.in_words.append(len(group.observations))
                group.segments.append(segment)
                group.observations.append(one)
                walk.after = "OBX"
            case "NTE":
                walk.notes += [context.marks.text(repeat) for repeat in context.marks.repeats(at(segment, 3))]
            case "ORC":
                walk.placer, walk.filler = number_of(segment, 2, context.marks), number_of(segment, 3, context.marks)
                walk.after = ""
            case "OBR":
                walk.groups.append(_group(context, segment, walk, specimens.get(place, ""), order))
                walk.placer = walk.filler = None
                walk.after = "OBR"
            case "SPM":
                _specimen_itself(context, walk, order)
    _keep_notes(walk)
    return walk.groups


def _group(context: Context, obr: Segment, walk: _Walk, specimen: str, order: Order) -> Group:
    marks = context.marks
    number = number_of(obr, 3, marks) or walk.filler or number_of(obr, 2, marks) or walk.placer
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
    if group.observations or group.obr is None:
        of_specimen = structs.replace(order, meanings=meanings(context, blood=False, by_name=False), flags=("of_specimen",))
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
            if place_of_order >= 0 and not before and len(found[place_of_order]) < SPECIMENS:
                found[place_of_order] = f"{found[place_of_order]} {at(segment, 4)}"
            elif place_of_order < 0 or before:
                before = at(segment, 4)
        elif segment[0] == "PID":
            before, place_of_order = "", -1
    return found


def _keep_notes(walk: _Walk) -> None:
    """An NTE belongs to the OBX before it (HL7 2.5.1, 7.3.1); one behind the OBR is of every result of the order."""
    text = "\n".join(line for line in walk.notes if line.strip())
    walk.notes.clear()
    group = walk.groups[-1]
    if not text:
        return
    if walk.after == "OBX" and group.observations:
        group.observations[-1] = structs.replace(group.observations[-1], note=text)
    elif walk.after == "OBR":
        group.note = text


def _tell_times_apart(group: Group) -> None:
    """A series in one order, the same code at several times, is several results; the same code and time are the lines of one. The order's note goes to each."""
    if group.note:
        group.observations = [
            structs.replace(one, note=f"{group.note}\n{one.note}" if one.note else group.note) for one in group.observations
        ]
    if len({one.result_key for one in group.observations}) == len(group.observations):
        return
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(group.observations):
        if one.result_key is not None:
            places[one.result_key].append(place)
    for key, among in places.items():
        times = [at(group.segments[place], 14) for place in among]
        if len(among) > 1 and len(set(times)) == len(among):
            for place, time in zip(among, times, strict=True):
                group.observations[place] = structs.replace(group.observations[place], result_key=f"{key}|{time}")


def _distrust_cut_value(context: Context, groups: list[Group]) -> None:
    """A message that stops inside OBX-5 without a line end may have said 120 where 12 arrived: kept, flagged, never scored."""
    cut = -2 if CONTINUES in context.flags else -1 if UNENDED in context.flags else 0
    if not cut or len(context.segments) < -cut:
        return
    last = context.segments[cut]
    if last[0] == "OBX" and len(last) <= 6 and groups[-1].observations:
        one = groups[-1].observations[-1]
        groups[-1].observations[-1] = structs.replace(one, canonical=None, flags=(*one.flags, "cut_short"))
