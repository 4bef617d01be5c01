"""What the listener makes of one frame: kept byte for byte, keyed, judged, and answerable whatever it holds."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import intake
from streams.intake import BOUND, TOO_LARGE, take
from tests.hl7 import WELL, adt, oru

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

FIELDS = st.text(st.characters(exclude_characters="\r\n"), max_size=30)


def test_a_good_message_is_kept_as_it_came_under_its_patients_key() -> None:
    raw = oru("7", NOW, WELL, control_id="C1")
    taken = take(raw, "lab", NOW)
    assert (taken.topic, taken.key, taken.value, taken.reply.answer) == ("hl7.oru", "HOSP:7", raw, "AA")
    assert taken.headers == {"received_at": NOW.isoformat(), "feed": "lab", "control_id": "C1", "sent_by": "EHR|HOSP"}


@pytest.mark.parametrize(
    ("raw", "answer", "code"),
    [
        (b"hello", "AR", "100"),
        (b"", "AR", "100"),
        (oru("7", NOW, WELL).replace(b"|2.5.1", b"|9"), "AR", "203"),
        (oru("7", NOW, WELL).replace(b"7^^^HOSP^MR", b""), "AE", "101"),
    ],
)
def test_what_is_refused_says_why_in_its_header_and_in_its_answer(raw: bytes, answer: str, code: str) -> None:
    taken = take(raw, "lab", NOW)
    [ack] = taken.reply.acks("1", NOW, heed=False)
    assert taken.reply.answer == answer
    assert taken.headers["reason"].startswith(f"{code}: ")
    assert f"MSA|{answer}|".encode() in ack
    assert f"^{code}&".encode() in ack or f"|{code}^".encode() in ack


def test_without_a_patient_the_sender_is_the_key_and_without_a_sender_the_feed() -> None:
    bare = b"MSH|^~\\&|EHR|HOSP|||20260301||SIU^S12|1|P|2.5.1\r"
    assert take(bare, "lab", NOW).key == "EHR|HOSP"
    assert take(bare.replace(b"EHR|HOSP", b"|"), "lab", NOW).key == "lab"


def test_a_frame_that_is_too_long_is_refused_by_name() -> None:
    taken = take(oru("7", NOW, WELL, control_id="LONG"), "lab", NOW, too_long=20_000_000)
    [ack] = taken.reply.acks("1", NOW, heed=False)
    assert taken.headers["reason"] == "207: MSH: the frame is longer than this feed allows: 20000000 bytes"
    assert b"MSA|AR|LONG|" in ack


def test_what_stands_beside_a_message_is_bounded_and_the_message_is_not() -> None:
    long = b"x" * 100_000
    raw = adt("A01", long.decode(), NOW, control_id=long.decode()).replace(b"|EHR|", b"|" + long + b"|")
    taken = take(raw, "lab", NOW)
    assert taken.value == raw
    assert len(taken.key) == BOUND
    assert {len(taken.headers[name]) for name in ("control_id", "sent_by")} == {BOUND}


def test_while_kafka_takes_it_in_only_the_header_of_a_message_is_held() -> None:
    assert [segment[0] for segment in take(oru("7", NOW, WELL), "lab", NOW).reply.header.segments] == ["MSH"]


def test_a_bug_in_reading_refuses_the_message_instead_of_blocking_its_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object, **__: object) -> object:
        raise KeyError("CANARY")

    monkeypatch.setattr(intake, "read_envelope", broken)
    taken = take(oru("7", NOW, WELL, control_id="C9"), "lab", NOW)
    [ack] = taken.reply.acks("1", NOW, heed=False)
    assert (taken.reply.answer, taken.headers["reason"]) == ("AE", "207: MSH: reading failed with KeyError")
    assert b"MSA|AE|C9|" in ack
    assert b"CANARY" not in ack


def test_a_message_that_kafka_finds_too_large_is_rejected_after_all() -> None:
    reply = take(oru("7", NOW, WELL), "lab", NOW).reply.refused(TOO_LARGE)
    assert (reply.answer, reply.reason) == ("AR", TOO_LARGE)


@given(st.binary(max_size=400))
def test_any_bytes_are_taken_and_answered(raw: bytes) -> None:
    assert_answerable(raw)


@given(st.lists(FIELDS, max_size=20), st.lists(st.lists(FIELDS, max_size=8), max_size=4), st.sampled_from(["utf-8", "utf-16-le", "cp1252"]))
def test_any_header_is_taken_and_answered(head: list[str], segments: list[list[str]], encoding: str) -> None:
    lines = ["|".join(["MSH", *head]), *("|".join(fields) for fields in segments)]
    assert_answerable("\r".join(lines).encode(encoding, "replace"))


def assert_answerable(raw: bytes) -> None:
    taken = take(raw, "lab", NOW)
    acks = taken.reply.acks("1", NOW, heed=False)
    assert taken.value == raw
    assert "reading failed" not in taken.headers.get("reason", "")
    header = taken.reply.header
    assert (not acks) == (header.answers or (header.type or "").startswith(("ACK", "MCF")))
    assert all(text.encode() is not None for text in (taken.key, *taken.headers.values()))


ONE = b"MSH|^~\\&|LAB|HOSP|||20260301||ORU^R01|L1|P|2.5.1|||{}|{}\rPID|1||7^^^H^MR\rOBX|1|NM|2823-3^^LN||6.\rADD\rDSC|P1|F\r"
TWO = b"MSH|^~\\&|LAB|HOSP|||20260301||ORU^R01|L2|P|2.5.1||P1|{}|{}\rADD|9|mmol/L|||||F\r"


@pytest.mark.parametrize(
    ("accept", "application", "heed", "of_first", "of_last"),
    [
        (b"", b"", True, [b"AA"], [b"AA"]),
        (b"AL", b"AL", True, [b"CA"], [b"CA", b"AA"]),
        (b"AL", b"NE", True, [b"CA"], [b"CA"]),
        (b"AL", b"AL", False, [b"AA"], [b"AA"]),
    ],
)
def test_each_part_of_a_message_is_committed_and_the_application_speaks_after_the_last(
    accept: bytes, application: bytes, heed: bool, of_first: list[bytes], of_last: list[bytes]
) -> None:
    for raw, codes in ((ONE, of_first), (TWO, of_last)):
        taken = take(raw.replace(b"{}", accept, 1).replace(b"{}", application, 1), "lab", NOW)
        assert [ack.split(b"MSA|")[1][:2] for ack in taken.reply.acks("1", NOW, heed=heed)] == codes
    assert take(ONE.replace(b"{}", b""), "lab", NOW).key == "H:7"
    assert take(TWO.replace(b"{}", b""), "lab", NOW).key == "LAB|HOSP"
