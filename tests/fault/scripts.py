"""What the wards of the fault tests say: endless rounds of observations on patients of whom some get worse, and the ways such a stream is spoilt."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.hl7 import SICK, WELL, adt, head, oru, segments, where, who

RED = {**WELL, "hr": 135}
"""NEWS2 = 3, a single 3: the watch tier."""
FIVE = {**WELL, "rr": 22, "hr": 95, "temp": 39.5}
"""NEWS2 = 2 + 1 + 2 = 5: the urgent tier."""

COURSES: tuple[Mapping[int, Mapping[str, object]], ...] = (
    {0: WELL, 3: RED, 6: FIVE, 9: SICK},
    {0: WELL, 5: SICK},
    {0: WELL, 4: FIVE},
    {0: WELL},
    {0: WELL, 6: RED},
)
"""From which round on a patient's findings are which; patient n goes course n modulo their number."""

PATIENTS, ROUNDS = 5, 12
"""Of one lane at a time, and of one patient; then others come, so that somebody is always about to get worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message to send. `meant`: the same without whatever makes it hard to understand, where it is."""

    control_id: str
    raw: bytes
    meant: bytes = b""


def now() -> datetime:
    return datetime.now(UTC)


def ward(run: str, lane: int) -> Iterator[Said]:
    """One lane's messages for ever: admission, an order, a note, and rounds of observations that are true of the moment they are sent."""
    cohort = 0
    while True:
        mrns = [f"{run}{lane}x{cohort}x{number}" for number in range(PATIENTS)]
        for mrn in mrns:
            yield said(mrn, "adm", lambda mrn, control: adt("A01", mrn, now() - timedelta(hours=4), control_id=control))
        for turn in range(ROUNDS):
            for number, mrn in enumerate(mrns):
                yield said(mrn, f"r{turn}", lambda mrn, control, turn=turn, number=number: round_of(mrn, control, turn, number, now()))
                if turn == 1:
                    yield said(mrn, "ord", order)
                if turn == 2:
                    yield said(mrn, "note", note)
        cohort += 1


def said(mrn: str, name: str, write: Callable[[str, str], bytes]) -> Said:
    """A message of this patient, written under a control id that names both."""
    control_id = f"{mrn}-{name}"
    return Said(control_id=control_id, raw=write(mrn, control_id))


def round_of(mrn: str, control: str, turn: int, number: int, at: datetime, sent: datetime | None = None) -> bytes:
    """A set of observations; within the bands of its course every round has numbers of its own."""
    course = COURSES[number % len(COURSES)]
    findings = course[max(start for start in course if start <= turn)]
    varied = {**findings, "dbp": 60 + turn, "sbp": findings["sbp"] if findings is SICK else 112 + turn}
    return oru(mrn, at, varied, sent=sent, control_id=control, filler=f"F{control}")


def merge(mrn: str, former: str, control: str) -> bytes:
    """ADT^A40: `former` becomes `mrn`."""
    return segments([head("ADT^A40^ADT_A39", now(), control), f"EVN|A40|{now():%Y%m%d%H%M%S+0000}", who(mrn), f"MRG|{former}^^^HOSP^MR"])


def order(mrn: str, control: str) -> bytes:
    """ORM^O01: a lactate."""
    lines = [
        head("ORM^O01", now(), control),
        who(mrn),
        where("4W", "12", f"V{mrn}", now()),
        f"ORC|NW|P{control}|||IP",
        f"OBR|1|P{control}||2524-7^Lactate^LN",
    ]
    return segments(lines)


def note(mrn: str, control: str) -> bytes:
    """MDM^T02: two lines of text."""
    lines = [
        head("MDM^T02", now(), control), f"EVN|T02|{now():%Y%m%d%H%M%S+0000}", who(mrn), where("4W", "12", f"V{mrn}", now()),
        f"TXA|1|PN|TX||||||||||D{control}|||||AU", "OBX|1|TX|11506-3^Progress note^LN||Seen on the round.||||||F", "OBX|2|TX|11506-3^Progress note^LN||No complaints.||||||F",
    ]  # fmt: skip
    return segments(lines)


def thrice(run: str, lane: int) -> Iterator[Said]:
    """Every message three times."""
    for one in ward(run, lane):
        yield from (one, one, one)


def shuffled_and_late(run: str, lane: int) -> Iterator[Said]:
    """Each patient's last hour in no order, and one in three of their results six hours late: those were bad, and are long past."""
    chance = random.Random(lane)
    cohort = 0
    while True:
        began = now()
        block: list[Said] = []
        for number in range(PATIENTS):
            mrn = f"{run}{lane}x{cohort}x{number}"
            yield said(mrn, "adm", lambda mrn, control, began=began: adt("A01", mrn, began - timedelta(hours=9), control_id=control))
            for turn in range(ROUNDS):
                at = began - timedelta(minutes=4 * (ROUNDS - turn))
                block.append(
                    said(
                        mrn,
                        f"r{turn}",
                        lambda mrn, control, turn=turn, number=number, at=at: round_of(mrn, control, turn, number, at, now()),
                    )
                )
                if turn % 3 == 0:
                    block.append(
                        said(
                            mrn,
                            f"late{turn}",
                            lambda mrn, control, at=at: oru(mrn, at - timedelta(hours=6), SICK, sent=now(), control_id=control),
                        )
                    )
        chance.shuffle(block)
        yield from block
        cohort += 1


POISON = (
    b"",
    b"no HL7 at all \x00\xff\xfe",
    b"MSH|^~\\&|EHR|HOSP|||20260101||ORU^R01|{id}|P|9.9\rPID|1||1^^^HOSP^MR\r",
    b"MSH|^~\\&|EHR|HOSP|||20260101||ORU^R01|{id}|P|2.5.1\rOBX|1|NM|8867-4^HR^LN||80\r",
    b"MSH|^^^^|EHR|HOSP|||20260101||ORU^R01|{id}|P|2.5.1\rPID|1||1^^^HOSP^MR\r",
    b"MSH|^~\\&|EHR|HOSP|||20260101||ADT^A40|{id}|P|2.5.1\rPID|1||{mrn}^^^HOSP^MR\rMRG|\r",
    b"MSH|^~\\&|EHR|HOSP|||20260101||MDM^T02|{id}|P|2.5.1\rPID|1||{mrn}^^^HOSP^MR\r",
    b"MSH|^~\\&|EHR|HOSP|||99999999||ORU^R01|{id}|P|2.5.1\rPID|1||{mrn}^^^HOSP^MR||||X\rOBR|1\rOBX|1|NM|8867-4^HR^LN||1e400|/min|||||F|||9999\r",
    b"MSH|^~\\&|EHR|HOSP|||20260101||ORU^R01|{id}|P|2.5.1\rPID|1||{mrn}^^^HOSP^MR\rOBR|1\rOBX|1|ST|8867-4^HR\x00\x00^LN||\x00\xc3\x28|/min|||||F\r",
    b"MSH|^~\\&|EHR|HOSP|||20260101||ORU^R01|{id}|P|2.5.1\rMSH|^~\\&|EHR|HOSP|||20260101||ORU^R01|{id}b|P|2.5.1\rPID|1||{mrn}^^^HOSP^MR\r",
)
"""Nothing, noise, a version from the future, no patient, broken delimiters, a merge with nobody, a note without a header, numbers and
times beyond all bounds, bytes that no text column holds, two messages in a frame."""


def poisoned(run: str, lane: int) -> Iterator[Said]:
    """One message in ten is poison, each time for another reason."""
    for number, one in enumerate(ward(run, lane)):
        if number % 10 == 5:
            name = f"{run}{lane}poison{number}"
            text = POISON[(lane + number // 10) % len(POISON)].replace(b"{id}", name.encode()).replace(b"{mrn}", f"{run}{lane}p".encode())
            yield Said(control_id=name, raw=text)
        yield one
