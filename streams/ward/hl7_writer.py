"""HL7 v2.5.1 as the simulated hospital and the replays write it; the mirror image of what `parsers` reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from parsers.codes import CANONICAL

NAMES: Final = {known.name: known for known in CANONICAL.values()}

DECIMALS: Final = {
    "temperature": 1, "creatinine": 2, "potassium": 1, "lactate": 1, "wbc": 1, "hemoglobin": 1, "bilirubin_total": 1, "ph": 2, "base_excess": 1,
    "inr": 1, "albumin": 1, "troponin_i": 2, "calcium": 1, "magnesium": 1, "phosphate": 1, "bilirubin_direct": 1, "bicarbonate": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A made-up person: obviously so by name."""

    mrn: str
    family: str
    given: str
    birth_date: date | None
    sex: str
    died_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Where a person lies, and who looks after them (PV1-7, components as they are written)."""

    visit: str
    unit: str
    room: str
    bed: str
    admitted_at: datetime
    attending: str = ""

    @property
    def place(self) -> str:
        """PV1-3."""
        return f"{self.unit}^{self.room}^{self.bed}^SIM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One OBX: a canonical name with its number or text."""

    name: str
    value: float | str
    status: str = "F"
    comment: str | None = None


def stamp(at: datetime) -> str:
    """An HL7 time with offset, to the second."""
    return at.strftime("%Y%m%d%H%M%S%z")


def escape(text: str) -> str:
    """Text with HL7's delimiters escaped.

    >>> escape("a|b & c^d")
    'a\\\\F\\\\b \\\\T\\\\ c\\\\S\\\\d'
    """
    for mark, sequence in (
        ("\\", "\\E\\"),
        ("|", "\\F\\"),
        ("^", "\\S\\"),
        ("&", "\\T\\"),
        ("~", "\\R\\"),
        ("\r", "\\X0D\\"),
        ("\n", "\\.br\\"),
    ):
        text = text.replace(mark, sequence)
    return text


def message(kind: str, control_id: str, at: datetime, segments: Sequence[str]) -> bytes:
    """MSH and the rest."""
    head = f"MSH|^~\\&|SIMEHR|VIGIL SIMULATED|VIGIL|VIGIL|{stamp(at)}||{kind}|{control_id}|P|2.5.1"
    return ("\r".join([head, *segments]) + "\r").encode()


def pid(who: Identity) -> str:
    """PID: number (3), name (5), born (7), sex (8), and for the dead when they died (29, 30)."""
    born = who.birth_date.strftime("%Y%m%d") if who.birth_date else ""
    died = f"{'|' * 21}{stamp(who.died_at)}|Y" if who.died_at else ""
    return f"PID|1||{who.mrn}^^^SIM^MR||{escape(who.family)}^{escape(who.given)}||{born}|{who.sex}{died}"


def pv1(stay: Stay, *, patient_class: str = "I", before: Stay | None = None, left_at: datetime | None = None, went: str = "") -> str:
    """PV1: class (2), place (3), prior place (6), attending (7), visit number (19), where they went (36), admitted and discharged (44, 45)."""
    prior = before.place if before else ""
    left = stamp(left_at) if left_at else ""
    return (
        f"PV1|1|{patient_class}|{stay.place}|||{prior}|{stay.attending}{'|' * 12}{stay.visit}"
        f"{'|' * 17}{went}{'|' * 8}{stamp(stay.admitted_at)}|{left}"
    )


STRUCTURE: Final = {"A02": "ADT_A02", "A03": "ADT_A03", "A11": "ADT_A09"}
"""Message structures that differ from ADT_A01 (HL7 2.5.1, table 0354)."""
HOME, DIED = "01", "20"
"""Discharge dispositions (table 0112)."""


def adt(
    trigger: str,
    control_id: str,
    at: datetime,
    who: Identity,
    stay: Stay,
    *,
    occurred_at: datetime | None = None,
    before: Stay | None = None,
) -> bytes:
    """ADT about one visit. `occurred_at`: where it is not the time of sending (EVN-6); `before`: where a transfer comes from."""
    happened_at = occurred_at or at
    left_at, went = (happened_at, DIED if who.died_at else HOME) if trigger == "A03" else (None, "")
    visit = pv1(stay, patient_class="E" if stay.unit == "ED" else "I", before=before, left_at=left_at, went=went)
    lines = [f"EVN|{trigger}|{stamp(at)}||||{stamp(happened_at)}", pid(who), visit]
    return message(f"ADT^{trigger}^{STRUCTURE.get(trigger, 'ADT_A01')}", control_id, at, lines)


def merge(control_id: str, at: datetime, who: Identity, former_mrn: str) -> bytes:
    """ADT^A40: `former_mrn` is this person too."""
    return message("ADT^A40^ADT_A39", control_id, at, [f"EVN|A40|{stamp(at)}", pid(who), f"MRG|{former_mrn}^^^SIM^MR"])


def oru(
    control_id: str, sent_at: datetime, who: Identity, stay: Stay, filler: str, service: str, observed_at: datetime, values: Sequence[Value]
) -> bytes:
    """ORU^R01 with one OBR and an OBX a value."""
    status = values[0].status if values else "F"
    lines = [pid(who), pv1(stay), f"OBR|1|P{filler}|{filler}|{service}|||{stamp(observed_at)}{'|' * 15}{stamp(sent_at)}|||{status}"]
    for number, one in enumerate(values, 1):
        lines.append(_obx(number, one, observed_at))
        if one.comment:
            lines.append(f"NTE|1||{escape(one.comment)}")
    return message("ORU^R01^ORU_R01", control_id, sent_at, lines)


def _obx(number: int, one: Value, observed_at: datetime) -> str:
    known = NAMES[one.name]
    if isinstance(one.value, str):
        kind, value = "ST", escape(one.value)
    else:
        kind, value = "NM", f"{one.value:.{DECIMALS.get(one.name, 0)}f}"
    if one.status in ("D", "X"):
        value = ""
    label = known.name.replace("_", " ").capitalize()
    return f"OBX|{number}|{kind}|{known.code}^{label}^LN||{value}|{known.unit}|||||{one.status}|||{stamp(observed_at)}"


def order(control_id: str, at: datetime, who: Identity, stay: Stay, placer: str, service: str, priority: str, *, lab: bool) -> bytes:
    """OML^O21 for a laboratory order, ORM^O01 for any other."""
    kind = "OML^O21^OML_O21" if lab else "ORM^O01^ORM_O01"
    lines = [pid(who), pv1(stay), f"ORC|NW|{placer}|||||||{stamp(at)}", f"TQ1|1||||||||{priority}", f"OBR|1|{placer}||{service}|{priority}"]
    return message(kind, control_id, at, lines)


def note(control_id: str, at: datetime, who: Identity, stay: Stay, document: str, kind: str, text: str) -> bytes:
    """MDM^T02 with its text, a line an OBX."""
    txa = f"TXA|1|{kind}|TX|{stamp(at)}||{stamp(at)}|||SIM^Nurse||||{document}|||||AU"
    lines = [f"OBX|{number}|TX|||{escape(line)}||||||F" for number, line in enumerate(text.splitlines(), 1)]
    return message("MDM^T02^MDM_T02", control_id, at, [f"EVN|T02|{stamp(at)}", pid(who), pv1(stay), txa, *lines])
