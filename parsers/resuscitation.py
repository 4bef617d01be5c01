"""What a feed says is to be done at an arrest: PV2, PD1 and OBX that are named so."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from parsers.codes import squeezed
from parsers.context import Context
from parsers.events import CodeStatus, Observation, Precaution
from parsers.fields import NULL, at
from parsers.values import Meaning

NAMES = frozenset(
    {
        "codestatus", "resuscitationstatus", "resuscitationcode", "resusstatus", "resuscitationstate", "cprstatus", "dnr", "dnrstatus", "dnar", "dnarstatus",
        "dnacpr", "dnacprstatus", "donotresuscitate", "donotresuscitatestatus", "resuscitationpreference",
    }
)  # fmt: skip
"""Names of an OBX-3 in lower case without punctuation."""

Resuscitate = Literal["full", "limited", "none"]

ANSWERS: Mapping[str, Resuscitate] = MappingProxyType(
    {
        "full": "full", "fullcode": "full", "fullresuscitation": "full", "fulltreatment": "full", "forresuscitation": "full", "304252001": "full",
        "cpr": "full", "attemptcpr": "full", "n": "full", "no": "full",
        "dnr": "none", "dnar": "none", "dnacpr": "none", "nocode": "none", "donotresuscitate": "none", "donotattemptresuscitation": "none", "nocpr": "none",
        "notforresuscitation": "none", "notforcpr": "none", "allownaturaldeath": "none", "and": "none", "304253006": "none", "dnrdni": "none",
        "comfortcare": "none", "comfortmeasuresonly": "none", "cmo": "none", "y": "none", "yes": "none",
        "limited": "limited", "limitedcode": "limited", "partialcode": "limited", "partial": "limited", "dni": "limited", "limitedresuscitation": "limited",
        "donotintubate": "limited", "modifiedcode": "limited",
    }
)  # fmt: skip
"""Answers in lower case without punctuation; the numbers are SNOMED CT findings. Yes and no answer a question named for not resuscitating."""

COMFORT = frozenset(
    {"comfortcare", "comfortcareonly", "comfortmeasures", "comfortmeasuresonly", "cmo", "hospice", "hospicecare", "endoflifecare"}
)
"""Answers that mean care for comfort alone. Not to be resuscitated does not: such a patient is treated, and paged about, like any other until the heart stops."""

NOTHING_TO_HEED = "A0"
"""Table 0009: no functional limitations."""

_YES_NO = frozenset({"y", "yes", "n", "no"})
_NOT_TO = ("dn", "donot")


def code_status_in(context: Context, obx: Sequence[str], meant: Meaning, one: Observation) -> CodeStatus | None:
    """The code status that an OBX states, where its name says that it is about that."""
    name = next((word for word in meant.words if word in NAMES), None)
    if name is None:
        return None
    sent = context.coded(at(obx, 5), "code") if one.value_type in ("CE", "CWE", "CNE") else None
    words = [squeezed(text) for text in (sent.code, sent.text, sent.alternate_code, sent.alternate_text) if text] if sent else []
    words = words or [squeezed(one.value_text or "")]
    withdrawn = one.status in ("deleted", "wrong") or "null" in one.flags
    if not withdrawn and (one.value_text is None or one.status == "incomplete"):
        return None
    return CodeStatus(
        code=(sent.code or sent.alternate_code) if sent else one.value_text,
        code_system=sent.system if sent else None,
        display=(sent.text or sent.alternate_text) if sent else None,
        resuscitate=None if withdrawn else _answer(name, words),
        withdrawn=withdrawn,
        stated_in="OBX-5",
        stated_at=one.observed_at,
    )


def for_comfort(stated: CodeStatus) -> bool:
    """Whether a code status means care for comfort alone."""
    return any(squeezed(text) in COMFORT for text in (stated.code, stated.display) if text)


def _answer(name: str, words: Sequence[str]) -> Resuscitate | None:
    for word in words:
        if word in _YES_NO and not name.startswith(_NOT_TO):
            continue
        if word in ANSWERS:
            return ANSWERS[word]
    return None


def stated_in_visit(context: Context, stated_at: datetime | None) -> list[CodeStatus | Precaution]:
    """PV2-45 and PD1-15 (advance directives, table 0435), PV2-41 (precautions, table 0433), PV1-15 (ambulatory status, table 0009)."""
    events: list[CodeStatus | Precaution] = []
    for name, number in (("PV2", 45), ("PD1", 15)):
        segment = context.first(name)
        repeats = context.marks.repeats(at(segment, number)) if segment else []
        events += [_directive(context, repeat, f"{name}-{number}", stated_at) for repeat in repeats if repeat.strip()]
    for name, number in (("PV2", 41), ("PV1", 15)):
        segment = context.first(name)
        for repeat in context.marks.repeats(at(segment, number)) if segment else ():
            sent = context.coded(repeat)
            if name == "PV2" and sent.code == "N":
                events.append(_directive(context, repeat, "PV2-41", stated_at, "none"))
            elif (sent.code or sent.text) and sent.code != NOTHING_TO_HEED:
                events.append(
                    Precaution(
                        code=sent.code, code_system=sent.system, display=sent.text, stated_in=f"{name}-{number}", stated_at=stated_at
                    )
                )
    return events


def _directive(context: Context, raw: str, place: str, stated_at: datetime | None, resuscitate: Resuscitate | None = None) -> CodeStatus:
    sent = context.coded(raw)
    words = [squeezed(text) for text in (sent.code, sent.text) if text]
    understood = (ANSWERS[word] for word in words if word in ANSWERS and word not in _YES_NO)
    return CodeStatus(
        code=sent.code,
        code_system=sent.system,
        display=sent.text,
        resuscitate=resuscitate or next(understood, None),
        withdrawn=raw.strip() == NULL,
        stated_in=place,
        stated_at=stated_at,
    )
