"""Reading: what each message is answered, and what it says."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.events import Admit, Cancel, Discharge, Merge, Note, Observation, Order, Transfer, Update
from parsers.identity import key_of
from parsers.message import Message
from parsers.read import read
from streams.ward.hl7_writer import escape

MSH = "MSH|^~\\&|LAB|HOSP|VIGIL|HOSP|20260301120000+0100||{kind}|C1|P|2.5.1"
PID = "PID|1||42^^^HOSP^MR~9^^^NHS^NH||CANARY^PATIENT||19560321|F"
PV1 = "PV1|1|I|4W^12^1^HOSP||||||||||||||||V42"


def hl7(kind: str, *segments: str, end: str = "\r") -> bytes:
    return (end.join([MSH.format(kind=kind), *segments]) + end).encode()


def only(message: Message) -> Observation:
    assert message.ack == "AA", message.reason
    [event] = message.events
    assert isinstance(event, Observation)
    return event


def obx(kind: str, code: str, value: str, unit: str = "", status: str = "F", at: str = "") -> Observation:
    return only(
        read(hl7("ORU^R01", PID, "OBR|1|P1|F1|X^Y^L|||20260301110000+0100", f"OBX|1|{kind}|{code}||{value}|{unit}|||||{status}|||{at}"))
    )


@pytest.mark.parametrize(
    ("raw", "ack", "code"),
    [
        (b"", "AR", "100"),
        (b"hello", "AR", "100"),
        (b"MSH|", "AR", "101"),
        (b"MSH|^~\\&|A|B|C|D|2026||ORU^R01|1|P|3.0\r", "AR", "203"),
        (b"MSH|^~\\&|A|B|C|D|2026||ORU^R01|1|P\r", "AR", "101"),
        (b"MSH|^~\\&|A|B|C|D|2026|||1|P|2.5\r", "AR", "101"),
        (b"MSH|^~\\\\&|A|B|C|D|2026||ORU^R01|1|P|2.5\r", "AR", "102"),
        (b"MSH|^^^^|A|B|C|D|2026||ORU^R01|1|P|2.5\r", "AR", "102"),
        (b"MSH|^~\\&|A|B|C|D|2026||ORU^R01||P|2.5\r", "AE", "101"),
        (b"FHS|^~\\&|A\rMSH|^~\\&|A|B|C|D|2026||ORU^R01|1|P|2.5\r", "AR", "100"),
        (hl7("ORU^R01", "PID|1", "OBX|1|NM|8867-4^^LN||70|/min"), "AE", "101"),
        (hl7("ORU^R01", "pid|1||42", "OBX|1|NM|8867-4^^LN||70|/min"), "AE", "100"),
        (hl7("ORU^R01", "PV1|1|I", "OBX|1|NM|8867-4^^LN||70|/min"), "AE", "100"),
        (hl7("ADT^A01", PV1), "AE", "100"),
        (hl7("MDM^T02", "TXA|1|DS|TX", "OBX|1|TX|||text"), "AE", "100"),
        (hl7("ADT^A40", "MRG|41^^^HOSP^MR"), "AE", "100"),
        (hl7("ADT^A40", PID), "AE", "100"),
        (hl7("ADT^A40", PID, "MRG|"), "AE", "101"),
        (hl7("MDM^T02", PID), "AE", "100"),
        (hl7("ORM^O01", PID), "AE", "100"),
        (hl7("ADT^A01", PID, MSH.format(kind="ADT^A01"), PID), "AR", "100"),
    ],
)
def test_what_is_refused_and_why(raw: bytes, ack: str, code: str) -> None:
    message = read(raw)
    assert message.reason is not None
    assert (message.ack, message.reason.code) == (ack, code)
    assert "CANARY" not in message.reason.detail


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("version", ["2.1", "2.3", "2.5.1", "2.8.2", "2.9"])
def test_line_ends_and_versions_do_not_matter(end: str, version: str) -> None:
    raw = hl7("ORU^R01", PID, PV1, "OBX|1|NM|8867-4^^LN||71|/min|||||F", end=end).replace(b"2.5.1", version.encode())
    message = read(raw)
    assert (message.ack, message.segments_in, message.segments_read) == ("AA", 4, 4)
    assert only(message).value_num == 71


def test_other_delimiters_a_byte_order_mark_and_frame_characters_are_read() -> None:
    raw = hl7("ORU^R01", PID, "OBX|1|NM|8867-4^^LN||71|/min|||||F").replace(b"^", b"@").replace(b"|", b"#")
    for wrapped in (raw, b"\xef\xbb\xbf" + raw, b"\x0b" + raw + b"\x1c\r", b"\r\n\r\n" + raw, raw.decode().encode("utf-16")):
        assert only(read(wrapped)).canonical is not None
        assert key_of(wrapped) == "HOSP:42"


def test_every_segment_is_counted_and_the_unread_are_named() -> None:
    message = read(hl7("ORU^R01", PID, "ZPI|1|x", "OBX|1|NM|8867-4^^LN||71|/min|||||F", "XQ9|2"))
    assert (message.segments_in, message.segments_read, message.segments_set_aside) == (5, 3, ("ZPI", "XQ9"))


def test_a_line_break_inside_a_field_stays_in_it() -> None:
    event = obx("TX", "N^Note^L", "first\nsecond")
    assert event.value_text == "first\nsecond"


def test_escapes_are_decoded_once() -> None:
    assert obx("ST", "N^Note^L", "5 \\T\\ 6 \\E\\T\\E\\ \\.br\\x \\X41\\").value_text == "5 & 6 \\T\\ \nx A"


@pytest.mark.parametrize(
    ("kind", "code", "value", "unit", "number", "canonical"),
    [
        ("NM", "8867-4^^LN", "71", "/min", 71, ("8867-4", 71, "/min")),
        ("NM", "8310-5^^LN", "101.3", "[degF]", 101.3, ("8310-5", 38.5, "Cel")),
        ("NM", "2160-0^^LN", "88.4", "umol/L", 88.4, ("2160-0", 1.0, "mg/dL")),
        ("NM", "C^Creatinine^WinPath", "98.00", "UMOLL", 98.0, ("2160-0", 1.1085, "mg/dL")),
        ("NM", "X^MDC_PULS_OXIM_SAT_O2^MDC", "93", "MDC_DIM_PERCENT", 93, ("59408-5", 93, "%")),
        ("NM", "2708-6^^LN", "93", "%", 93, ("59408-5", 93, "%")),
        ("NM", "718-7^^LN", "130", "g/L", 130, ("718-7", 13.0, "g/dL")),
        ("SN", "2524-7^^LN", ">^20", "mmol/L", 20, ("2524-7", 20, "mmol/L")),
        ("ST", "2823-3^^LN", " 4.2", "mmol/L", 4.2, ("2823-3", 4.2, "mmol/L")),
        ("NM", "L^Pulse^L~8867-4^^LN", "71", "bpm", 71, ("8867-4", 71, "/min")),
    ],
)
def test_numbers_become_canonical_quantities(
    kind: str, code: str, value: str, unit: str, number: float, canonical: tuple[str, float, str]
) -> None:
    event = obx(kind, code, value, unit)
    assert event.value_num == number
    assert event.canonical is not None
    assert (event.canonical.code, event.canonical.unit) == (canonical[0], canonical[2])
    assert event.canonical.value_num == pytest.approx(canonical[1], rel=1e-3)


@pytest.mark.parametrize(
    ("kind", "code", "value", "unit", "flag"),
    [
        ("NM", "8867-4^^LN", "710", "/min", "impossible_value"),
        ("NM", "8867-4^^LN", "fast", "/min", "not_numeric"),
        ("NM", "2823-3^^LN", "4.2", "furlongs", "unmapped_unit"),
        ("NM", "2823-3^^LN", "4.2", "", "unmapped_unit"),
        ("NM", "99999-9^^LN", "4.2", "mmol/L", "unmapped_code"),
        ("NM", "8867-4^^LN", '""', "/min", "null"),
        ("NM", "", "4.2", "mmol/L", "no_code"),
        ("ED", "N^Report^L", "^application^pdf^Base64^AAAA", "", "by_reference"),
    ],
)
def test_what_is_not_understood_is_kept_and_flagged_and_never_canonical(kind: str, code: str, value: str, unit: str, flag: str) -> None:
    event = obx(kind, code, value, unit)
    assert event.canonical is None
    assert flag in event.flags


def test_a_bound_keeps_its_comparator() -> None:
    event = obx("NM", "2524-7^^LN", "<0.5", "mmol/L")
    assert (event.value_num, event.comparator, "comparator" in event.flags) == (0.5, "<", True)


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("LA9340-6^Alert^LN", "A"),
        ("LA6560-2^Confused^LN", "C"),
        ("LA17108-4^^LN", "V"),
        ("LA17107-6^Painful^LN", "P"),
        ("LA9343-0^^LN", "U"),
        ("V", "V"),
        ("Alert", "A"),
    ],
)
def test_consciousness_by_code_letter_or_word(value: str, answer: str) -> None:
    event = obx("CWE" if "^" in value else "ST", "67775-7^^LN", value)
    assert event.canonical is not None
    assert event.canonical.value_text == answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [("P", "preliminary"), ("F", "final"), ("C", "corrected"), ("D", "deleted"), ("W", "wrong"), ("X", "incomplete"), ("I", "incomplete")],
)
def test_statuses(sent: str, status: str) -> None:
    assert obx("NM", "8867-4^^LN", "71", "/min", status=sent).status == status


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("20260301103000-0500", datetime(2026, 3, 1, 15, 30, tzinfo=UTC)),
        ("20260301103000", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026", datetime(2025, 12, 31, 23, tzinfo=UTC)),
        ("yesterday", datetime(2026, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_times_by_their_own_offset_then_the_messages(at: str, expected: datetime) -> None:
    assert obx("NM", "8867-4^^LN", "71", "/min", at=at).observed_at == expected


def test_times_without_any_offset_are_in_the_feeds_zone_and_say_so() -> None:
    raw = hl7("ORU^R01", PID, "OBX|1|NM|8867-4^^LN||71|/min|||||F|||202607011200").replace(b"+0100", b"")
    event = only(read(raw, timezone=ZoneInfo("Europe/Vienna")))
    assert event.observed_at == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert "no_time_zone" in event.flags


def test_notes_stay_with_their_result_and_results_are_keyed_by_order_and_code() -> None:
    message = read(
        hl7(
            "ORU^R01",
            PID,
            "OBR|1|P1|F1|X",
            "OBX|1|NM|2823-3^^LN||4.2|mmol/L|||||F",
            "NTE|1||haemolysed",
            "OBX|2|NM|2951-2^^LN|b|140|mmol/L|||||F",
        )
    )
    first, second = message.events
    assert isinstance(first, Observation)
    assert isinstance(second, Observation)
    assert (first.note, first.result_key) == ("haemolysed", "F1|2823-3|")
    assert (second.note, second.result_key) == (None, "F1|2951-2|b")


@pytest.mark.parametrize(
    ("trigger", "kind"),
    [
        ("A01", Admit),
        ("A04", Admit),
        ("A02", Transfer),
        ("A03", Discharge),
        ("A08", Update),
        ("A11", Cancel),
        ("A12", Cancel),
        ("A13", Cancel),
    ],
)
def test_movements(trigger: str, kind: type) -> None:
    message = read(hl7(f"ADT^{trigger}", f"EVN|{trigger}|202603011130+0100", PID, PV1))
    [event] = message.events
    assert isinstance(event, kind)
    assert isinstance(event, Admit | Transfer | Discharge | Update | Cancel)
    assert event.visit.encounter_id == "V42"
    assert event.visit.location is not None
    assert (event.visit.location.unit, event.visit.location.room, event.visit.location.bed) == ("4W", "12", "1")
    assert event.occurred_at == datetime(2026, 3, 1, 10, 30, tzinfo=UTC)


def test_merge_order_and_note() -> None:
    [merged] = read(hl7("ADT^A40", PID, "MRG|41^^^HOSP^MR")).events
    assert merged == Merge(occurred_at=datetime(2026, 3, 1, 11, tzinfo=UTC), from_key="HOSP:41")
    [order] = read(hl7("OML^O21", PID, "ORC|NW|P7|F7||IP", "TQ1|1||||||||S", "OBR|1|P7||24323-8^Panel^LN")).events
    assert isinstance(order, Order)
    assert (order.placer_number, order.filler_number, order.code, order.priority, order.status) == ("P7", "F7", "24323-8", "S", "IP")
    [note] = read(
        hl7("MDM^T02", PID, "TXA|1|DS|TX|20260301||20260301|||D1|||D9|D8||||AU", "OBX|1|TX|||line one", "OBX|2|TX|||line \\T\\ two")
    ).events
    assert isinstance(note, Note)
    assert (note.document_id, note.parent_document_id, note.status, note.text) == ("D9", "D8", "AU", "line one\nline & two")


@given(st.binary(max_size=600))
def test_no_bytes_raise(raw: bytes) -> None:
    assert read(raw).ack in ("AA", "AE", "AR")


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=3, max_size=14),
    st.sampled_from(["OBX", "PID", "PV1", "OBR", "NTE", "TXA", "ORC"]),
)
def test_no_fields_raise(fields: list[str], name: str) -> None:
    for kind in ("ORU^R01", "ADT^A01", "MDM^T02", "OML^O21"):
        message = read(hl7(kind, PID, "|".join([name, *fields])))
        assert message.ack in ("AA", "AE", "AR")
        assert message.segments_in == message.segments_read + len(message.segments_set_aside)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=60))
def test_what_the_simulator_escapes_the_reader_gives_back(text: str) -> None:
    assert (obx("TX", "N^Note^L", escape(f"x{text}x")).value_text) == f"x{text}x"
