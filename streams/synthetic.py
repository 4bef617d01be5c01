"""Patients nobody has, by whom Vigil tries its own path: their numbers, of an authority that is Vigil's own, and the messages about them. Pure."""

import re
from datetime import datetime
from typing import Final

AUTHORITY: Final = "VIGIL"
"""Assigning authority of these patients. What any other sender says under it is refused, so that no hospital's patient is ever taken for one."""

OPENING: Final = b"MSH|^~\\&|VIGIL|VIGIL|"
"""Of these messages; a feed on which nothing else comes is silent."""

SENT_BY: Final = "VIGIL|VIGIL"
"""What the listener makes of that opening."""

HEARTBEAT: Final = f"{AUTHORITY}:HEARTBEAT"
"""Always well: NEWS2 of 0, nobody is ever paged."""

TURNS: Final = 12
"""As many patients a feed: few enough to leave little behind, enough to meet every partition of a usual installation sooner or later."""

_NUMBER: Final = re.compile(rf"{AUTHORITY}:(HEARTBEAT|SYNTHETIC-[A-Z0-9-]+)")

Vitals = tuple[tuple[str, str, str], ...]

WELL: Final[Vitals] = (
    ("8867-4^Heart rate^LN", "72", "/min"), ("9279-1^Respiratory rate^LN", "14", "/min"), ("59408-5^Oxygen saturation^LN", "98", "%"),
    ("8480-6^Systolic blood pressure^LN", "124", "mm[Hg]"), ("8310-5^Body temperature^LN", "36.8", "Cel"),
    ("3151-8^Inhaled oxygen flow rate^LN", "0", "L/min"), ("67775-7^Level of responsiveness^LN", "A", ""),
)  # fmt: skip
"""NEWS2 of 0."""

SICK: Final[Vitals] = (
    ("8867-4^Heart rate^LN", "138", "/min"), ("9279-1^Respiratory rate^LN", "30", "/min"), ("59408-5^Oxygen saturation^LN", "88", "%"),
    ("8480-6^Systolic blood pressure^LN", "84", "mm[Hg]"), ("8310-5^Body temperature^LN", "39.4", "Cel"),
    ("3151-8^Inhaled oxygen flow rate^LN", "6", "L/min"), ("67775-7^Level of responsiveness^LN", "V", ""),
)  # fmt: skip
"""NEWS2 of 19 (3 + 3 + 3 + 3 + 2 + 2 + 3): the highest tier of any policy."""


def is_synthetic(patient_id: str) -> bool:
    """Whether a patient is one of Vigil's own; the same rule as `vigil.is_synthetic` in SQL. Any other number of the authority is taken for a real patient.

    >>> [is_synthetic(one) for one in ("VIGIL:HEARTBEAT", "VIGIL:SYNTHETIC-MAIN-3", "VIGIL:4711", "HOSP:SYNTHETIC-MAIN-3", "VIGIL:SYNTHETIC-")]
    [True, True, False, False, False]
    """
    return _NUMBER.fullmatch(patient_id) is not None


def is_reserved(patient_id: str) -> bool:
    """Whether a number is of the authority that no sender but Vigil may use."""
    return patient_id.startswith(f"{AUTHORITY}:")


def number_for(feed: str, turn: int) -> str:
    """The patient of a feed at its n-th trial. They differ from trial to trial, so that in turn all partitions and workers are tried.

    >>> number_for("main", 3), number_for("ge carescape", 14)
    ('SYNTHETIC-MAIN-3', 'SYNTHETIC-GE-CARESCAPE-2')
    """
    return f"SYNTHETIC-{re.sub('[^A-Z0-9]+', '-', feed.upper()).strip('-') or 'FEED'}-{turn % TURNS}"


def message(now: datetime, number: str = "HEARTBEAT", vitals: Vitals = WELL) -> bytes:
    """An ORU^R01 of vital signs, processing id P like any other.

    >>> from datetime import UTC
    >>> message(datetime(2026, 3, 1, 12, tzinfo=UTC)).split(b"\\r")[1]
    b'PID|1||HEARTBEAT^^^VIGIL^MR'
    """
    at = now.strftime("%Y%m%d%H%M%S.%f%z")
    name = f"{'HB' if number == 'HEARTBEAT' else number}{now:%Y%m%d%H%M%S%f}"
    lines = [
        f"{OPENING.decode()}VIGIL|VIGIL|{at}||ORU^R01^ORU_R01|{name}|P|2.5.1",
        f"PID|1||{number}^^^{AUTHORITY}^MR",
        f"OBR|1||{name}|85353-1^Vital signs^LN|||{at}",
        *(
            f"OBX|{n}|{'ST' if value in 'ACVPU' else 'NM'}|{code}||{value}|{unit}|||||F|||{at}"
            for n, (code, value, unit) in enumerate(vitals, 1)
        ),
    ]
    return "".join(f"{line}\r" for line in lines).encode()
