"""Messages that are taken and give nothing, each with its reason; and those that only look like it."""

import pytest

from parsers.message import Reason
from parsers.read import read
from parsers.unused import LINKED, NO_KIND, NO_PATIENT, NO_RESULT, NO_TRIGGER
from tests.corpus import PID, message


@pytest.mark.parametrize(
    ("kind", "segments", "why"),
    [
        ("SIU^S12", (PID,), "appointments"),
        ("VXU^V04", (PID, "RXA|0|1|20260301||03^MMR^CVX|1"), "immunisations: no score uses them; drugs given are read from RAS and RDE"),
        ("ADT^A24", (PID, "PID|2||43^^^HOSP^MR"), LINKED),
        ("CUSTOM^PAT", (PID,), NO_KIND),
        ("ADT^A99", (PID,), NO_TRIGGER),
        ("ORU^R01", (PID, "NTE|1||nothing yet"), NO_RESULT),
        ("ORU^R01", ("OBR|1||F1|QC^Control^L", "OBX|1|NM|8867-4^^LN||70|/min"), NO_PATIENT),
        ("ORM^O01", ("ORC|NW|1", "OBR|1||F1|QC^Control^L"), NO_PATIENT),
        ("RAS^O17", ("ORC|RE|1", "RXA|0|1|20260301||x^y^L|1|mg"), NO_PATIENT),
    ],
)
def test_a_message_of_no_use_is_taken_and_says_why(kind: str, segments: tuple[str, ...], why: str) -> None:
    found = read(message(kind, *segments))
    assert (found.ack, found.events, found.flags, found.unused) == ("AA", (), ("not_used",), why)


def test_what_is_used_says_nothing_of_no_use() -> None:
    assert read(message("ORU^R01", PID, "OBX|1|NM|8867-4^^LN||71|/min|||||F")).unused is None
    assert read(b"hello").unused is None


@pytest.mark.parametrize("segments", [(PID, "PID|2", "OBX|1|NM|8867-4^^LN||71|/min")])
def test_the_patient_without_a_number_is_counted_among_all(segments: tuple[str, ...]) -> None:
    reason = read(message("ORU^R01", *segments)).reason
    assert reason == Reason(code="101", detail="PID-3: the patient identifier is missing", occurrence=2)
