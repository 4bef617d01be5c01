"""An alert and the scores behind it, or scores alone, as HL7 v2.5.1, ORU^R01, for the EHR to file with the patient. Pure. Source: HL7 2.5.1, chapters 2, 3 and 7."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from alerts.channels.channel import Chart, Finding, Page
from parsers.fields import Delimiters

MARKS: Final = Delimiters("|", "^~\\&")
CODES: Final = {"news2": "1104051000000101^Royal College of Physicians NEWS2 (National Early Warning Score 2) total score^SCT"}
"""SNOMED CT, UK edition, with its preferred term, as UK Core's early-warning total scores and the NHS's own FHIR guide for NEWS2 have it. LOINC has no code
for NEWS2 (88330-6, which is often given for it, is a nursing home's assessment of mobility); other scores go under Vigil's own names. Sources: HL7 UK, UK Core
Clinical and Technical Assurance, sprint 8, "Early Warning Scores"; NHS Digital, FHIR-NEWS2; FHIR Personal Functioning and Engagement IG for 88330-6."""
NAMELESS: Final = "^^^^^^U"
"""PID-5 must be there; the identifier says who it is, and the name need not travel (table 0200: U, unspecified)."""
SYSTEM: Final = "99VIGIL"
"""HL7 table 0396: 99zzz is a coding system of one's own."""


def report(page: Page, chart: Chart, sender: str, receiver: str, now: datetime) -> bytes:
    """`sender` and `receiver`: APPLICATION/FACILITY. MSH-10 is the page's id, the same each time it is sent; an EHR that has it may file nothing."""
    return _written((*_head(control_id(page.page_id), chart, page.unit, sender, receiver, now), *_alert(page, chart)))


def scores(control: str, chart: Chart, unit: str | None, sender: str, receiver: str, now: datetime) -> bytes:
    """The scores of a chart without an alert, under an order of its own; `control`: MSH-10, the same each time the same is sent."""
    at = _time(max(one.as_of for one in chart.findings))
    obr = "OBR", "1", "", f"{_text(control)}^VIGIL", f"SCORE^Early warning score^{SYSTEM}", "", "", at, *[""] * 14, at, "", "", "F"
    return _written((*_head(control, chart, unit, sender, receiver, now), obr, *_scores(chart, 1)))


def _written(segments: Iterable[tuple[str, ...]]) -> bytes:
    return ("\r".join("|".join(fields) for fields in segments) + "\r").encode()


def _head(control: str, chart: Chart, unit: str | None, sender: str, receiver: str, now: datetime) -> Iterator[tuple[str, ...]]:
    authority, _, number = chart.patient_id.partition(":")
    yield (
        "MSH", "^~\\&", *_party(sender), *_party(receiver), _time(now), "", "ORU^R01^ORU_R01", control, "P", "2.5.1",
        "", "", "", "", "", "UNICODE UTF-8",
    )  # fmt: skip
    yield "PID", "1", "", f"{_text(number)}^^^{_text(authority)}^MR", "", NAMELESS
    place = f"{_text(unit or '')}^^{_text(chart.bed or '')}"
    yield "PV1", "1", _text(chart.patient_class or "U"), place, *[""] * 15, _text(chart.encounter_id or "")


def _alert(page: Page, chart: Chart) -> Iterator[tuple[str, ...]]:
    at = _time(page.created_at)
    yield "OBR", "1", "", f"{_text(page.page_id)}^VIGIL", f"ALERT^Early warning alert^{SYSTEM}", "", "", at, *[""] * 14, at, "", "", "F"
    yield _obx(1, "ST", f"TIER^Alert tier^{SYSTEM}", _text(page.tier), at)
    yield _obx(2, "ST", f"REASON^Reason of the alert^{SYSTEM}", _text(chart.reason), at)
    yield from _scores(chart, 3)


def _scores(chart: Chart, first: int) -> Iterator[tuple[str, ...]]:
    for position, one in enumerate((one for one in chart.findings if one.value is not None), first):
        yield _obx(position, "NM", _code(one), f"{one.value:g}", _time(one.as_of))


def control_id(page_id: str) -> str:
    """MSH-10: at most 20 characters in 2.5.1, which a page's id has without its prefix.

    >>> control_id("pg-0123456789abcdef0123")
    '0123456789abcdef0123'
    """
    return page_id.removeprefix("pg-")[:20]


def _obx(position: int, kind: str, code: str, value: str, at: str) -> tuple[str, ...]:
    return ("OBX", str(position), kind, code, "", value, "", "", "", "", "", "F", "", "", at)


def _code(one: Finding) -> str:
    return CODES.get(one.name, f"{_text(one.name)}^{_text(one.name)} {_text(one.version)}^{SYSTEM}")


def _party(name: str) -> tuple[str, str]:
    application, _, facility = name.partition("/")
    return _text(application), _text(facility)


def _text(text: str) -> str:
    return MARKS.escaped("".join(character if character.isprintable() else " " for character in text))


def _time(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S%z")
