"""HL7 v2.5.1 messages as the stories need them: short, readable, and one function a kind."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count

_number = count(1)

VITALS: Mapping[str, tuple[str, str]] = {
    "hr": ("8867-4^Heart rate^LN", "/min"),
    "rr": ("9279-1^Respiratory rate^LN", "/min"),
    "spo2": ("59408-5^Oxygen saturation^LN", "%"),
    "sbp": ("8480-6^Systolic blood pressure^LN", "mm[Hg]"),
    "dbp": ("8462-4^Diastolic blood pressure^LN", "mm[Hg]"),
    "temp": ("8310-5^Body temperature^LN", "Cel"),
    "flow": ("3151-8^Inhaled oxygen flow rate^LN", "L/min"),
    "avpu": ("67775-7^Level of responsiveness^LN", ""),
    "creatinine": ("2160-0^Creatinine^LN", "mg/dL"),
    "lactate": ("2524-7^Lactate^LN", "mmol/L"),
    "potassium": ("2823-3^Potassium^LN", "mmol/L"),
}

WELL = {"hr": 72, "rr": 14, "spo2": 98, "sbp": 124, "dbp": 76, "temp": 36.8, "flow": 0, "avpu": "A"}
"""NEWS2 = 0."""
SICK = {"hr": 128, "rr": 27, "spo2": 90, "sbp": 92, "dbp": 48, "temp": 38.9, "flow": 6, "avpu": "A"}
"""NEWS2 = 2 + 3 + 3 + 2 + 1 + 2 = 13."""


def at(time: datetime) -> str:
    """An HL7 time with offset."""
    return time.strftime("%Y%m%d%H%M%S%z")


def head(kind: str, time: datetime, control_id: str | None = None) -> str:
    """MSH."""
    return f"MSH|^~\\&|EHR|HOSP|VIGIL|HOSP|{at(time)}||{kind}|{control_id or f'T{next(_number):08d}'}|P|2.5.1"


def who(mrn: str, sex: str = "F", born: str = "19560321") -> str:
    """PID."""
    return f"PID|1||{mrn}^^^HOSP^MR||CANARY^PATIENT||{born}|{sex}"


def where(unit: str, bed: str, visit: str, admitted: datetime) -> str:
    """PV1."""
    return f"PV1|1|I|{unit}^{bed}^1^HOSP||||||||||||||||{visit}|||||||||||||||||||||||||{at(admitted)}"


def adt(
    trigger: str, mrn: str, time: datetime, *, unit: str = "4W", bed: str = "12", visit: str | None = None, control_id: str | None = None
) -> bytes:
    """ADT^A01, A02, A03, A08, A11, A13."""
    lines = [head(f"ADT^{trigger}", time, control_id), f"EVN|{trigger}|{at(time)}", who(mrn), where(unit, bed, visit or f"V{mrn}", time)]
    return segments(lines)


def merge(mrn: str, old_mrn: str, time: datetime) -> bytes:
    """ADT^A40: `old_mrn` becomes `mrn`."""
    return segments([head("ADT^A40^ADT_A39", time), f"EVN|A40|{at(time)}", who(mrn), f"MRG|{old_mrn}^^^HOSP^MR"])


def oru(
    mrn: str,
    observed: datetime,
    values: Mapping[str, object],
    *,
    sent: datetime | None = None,
    status: str = "F",
    filler: str | None = None,
    control_id: str | None = None,
    visit: str | None = None,
) -> bytes:
    """ORU^R01 with one OBX a value, named as in VITALS."""
    order = filler or f"F{next(_number):08d}"
    lines = [
        head("ORU^R01^ORU_R01", sent or observed, control_id),
        who(mrn),
        where("4W", "12", visit or f"V{mrn}", observed),
        f"OBR|1|P{order}|{order}|85353-1^Vital signs^LN|||{at(observed)}|||||||||||||||{at(sent or observed)}|||{status}",
    ]
    for number, (name, value) in enumerate(values.items(), 1):
        code, unit = VITALS[name]
        kind = "ST" if isinstance(value, str) else "NM"
        lines.append(f"OBX|{number}|{kind}|{code}||{value}|{unit}|||||{status}|||{at(observed)}")
    return segments(lines)


ANTIBIOTIC = "J01CR05^Piperacillin-tazobactam^ATC"


def ordered(mrn: str, time: datetime, drug: str = ANTIBIOTIC) -> bytes:
    """RDE^O11: a drug is ordered, to begin at once."""
    number = f"D{next(_number):08d}"
    lines = [
        head("RDE^O11^RDE_O11", time),
        who(mrn),
        where("4W", "12", f"V{mrn}", time),
        f"ORC|NW|{number}",
        f"TQ1|1||||||{at(time)}",
        f"RXE||{drug}|4||g",
    ]
    return segments(lines)


def given(mrn: str, time: datetime, drug: str = ANTIBIOTIC) -> bytes:
    """RAS^O17: a drug is given."""
    number = f"D{next(_number):08d}"
    lines = [
        head("RAS^O17^RAS_O17", time), who(mrn), where("4W", "12", f"V{mrn}", time), f"ORC|RE|{number}",
        f"RXA|0|1|{at(time)}|{at(time)}|{drug}|4|g|||||||||||||CP",
    ]  # fmt: skip
    return segments(lines)


def segments(lines: list[str]) -> bytes:
    """Joined as HL7 asks: a carriage return after each."""
    return ("\r".join(lines) + "\r").encode()
