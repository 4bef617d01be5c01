"""The outside of a message: segments, delimiters, character sets, and messages out of files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.batches import split_batch
from parsers.envelope import UNENDED, peek
from parsers.events import Observation
from parsers.fields import Delimiters
from parsers.identity import key_of
from parsers.read import read

HEAD = b"MSH|^~\\&|A|B|||20260301||ORU^R01|C1|P|2.5.1"
PID = b"PID|1||42^^^HOSP^MR"


def names(*lines: bytes, end: bytes = b"\r") -> list[str]:
    return [segment[0] for segment in peek(end.join((HEAD, PID, *lines)) + end).segments]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\r", b"\n\r\n"])
def test_any_line_end_ends_a_segment(end: bytes) -> None:
    assert names(b"OBX|1|NM|8867-4^^LN||71", b"ZPI|1", end=end) == ["MSH", "PID", "OBX", "ZPI"]


@pytest.mark.parametrize("line", [b"ECG: sinus rhythm", b"DOE, JANE", b"NAD", b"and so on|", b"", b"3rd line"])
def test_a_line_that_is_no_segment_is_text_of_the_one_before(line: bytes) -> None:
    assert names(b"OBX|1|TX|N^Note^L||first", line, b"NTE|1") == ["MSH", "PID", "OBX", "NTE"]


def test_a_segment_in_lower_case_is_counted_and_set_aside_not_guessed() -> None:
    message = read(b"\r".join((HEAD, b"pid|1||42^^^HOSP^MR", b"OBX|1|NM|8867-4^^LN||71|/min|||||F")) + b"\r")
    assert (message.ack, message.segments_in, message.segments_set_aside) == ("AE", 3, ("pid",))


def test_two_messages_in_one_frame_are_refused_whatever_the_seconds_delimiters() -> None:
    for second in (HEAD, HEAD.replace(b"|", b"#")):
        reason = peek(HEAD + b"\r" + PID + b"\r" + second + b"\r").reason
        assert reason is not None
        assert (reason.detail, reason.occurrence) == ("MSH: more than one message in a frame", 2)


@pytest.mark.parametrize(
    ("declared", "codec", "flag"),
    [
        ("UNICODE UTF-8", "utf-8", None),
        ("8859/1", "iso8859-1", None),
        ("8859/2", "iso8859-2", None),
        ("GB 18030-2000", "gb18030", None),
        ("", "utf-8", "undeclared_bytes"),
        ("", "cp1252", "undeclared_bytes"),
        ("ASCII", "utf-8", "undeclared_bytes"),
        ("KLINGON", "utf-8", "unknown_character_set"),
        ("UNICODE UTF-8", "cp1252", "undeclared_bytes"),
    ],
)
def test_bytes_are_read_by_the_declared_character_set_or_flagged(declared: str, codec: str, flag: str | None) -> None:
    text = "Zürich ö"
    raw = HEAD + f"||||||{declared}\rPID|1||{text}^^^HOSP^MR\r".encode(codec)
    envelope = peek(raw)
    assert key_of(raw) == f"HOSP:{text}"
    assert envelope.flags == ((flag,) if flag else ())


def test_japanese_by_its_escape_sequences_is_read() -> None:
    raw = HEAD + b"||||||ISO IR87\rPID|1||" + "検査".encode("iso2022_jp") + b"\r"
    assert key_of(raw) == ":検査"


def test_a_message_that_nothing_ends_says_so_and_its_last_value_is_not_trusted() -> None:
    cut = b"\r".join((HEAD, PID, b"OBX|1|NM|8867-4^^LN||12"))
    assert UNENDED in peek(cut).flags
    [event] = read(cut).events
    assert isinstance(event, Observation)
    assert event.canonical is None
    [event] = read(b"\x0b" + cut + b"\r\x1c\r").events
    assert isinstance(event, Observation)
    assert event.canonical is not None


def test_what_msh_says_is_in_the_envelope() -> None:
    envelope = peek(HEAD + b"|||AL|NE\r")
    assert (envelope.type, envelope.control_id, envelope.version, envelope.processing_id) == ("ORU^R01", "C1", "2.5.1", "P")
    assert (envelope.sent_by, envelope.accept_ack, envelope.application_ack) == ("A|B", "AL", "NE")


FIRST, SECOND = HEAD + b"\r" + PID + b"\r", HEAD.replace(b"C1", b"C2") + b"\r" + PID + b"\r"


@pytest.mark.parametrize(
    "data",
    [
        FIRST + SECOND,
        b"\x0b" + FIRST + b"\x1c\r\x0b" + SECOND + b"\x1c\r",
        (FIRST + b"\r" + SECOND).replace(b"\r", b"\n"),
        (FIRST + SECOND).replace(b"\r", b"\r\n"),
        b"\xef\xbb\xbf" + FIRST + SECOND,
        b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + FIRST + SECOND + b"BTS|2\rFTS|1\r",
    ],
    ids=["nothing between", "frames", "blank lines, LF", "CRLF", "byte order mark", "batch"],
)
def test_a_file_holds_its_messages_whatever_holds_them_together(data: bytes) -> None:
    assert split_batch(data) == [FIRST, SECOND]


def test_a_last_message_that_nothing_ends_stays_so() -> None:
    assert split_batch(FIRST + SECOND[:-1]) == [FIRST, SECOND[:-1]]


@given(st.permutations("^~\\&"), st.sampled_from("|#$%:"), st.text("ab^~\\&|#$%:", max_size=30))
def test_whatever_the_delimiters_an_escaped_text_comes_back(order: list[str], separator: str, text: str) -> None:
    marks = Delimiters(separator, "".join(order))
    letters = {separator: "F", order[0]: "S", order[1]: "R", order[2]: "E", order[3]: "T"}
    escaped = "".join(f"{order[2]}{letters[one]}{order[2]}" if one in letters else one for one in text)
    assert marks.text(escaped) == text
    assert all(mark not in escaped.replace(order[2], "") for mark in letters if mark != order[2])


@given(st.binary(max_size=300))
def test_the_listeners_key_is_the_readers_key(tail: bytes) -> None:
    for raw in (HEAD + b"\rPID|1||" + tail, HEAD + b"||||||8859/1\rPID|1||" + tail + b"\r", tail):
        patient = read(raw).patient
        assert key_of(raw) == (patient.key if patient else None)


@given(st.binary(max_size=400))
def test_no_file_makes_splitting_raise(data: bytes) -> None:
    assert all(read(one).ack in ("AA", "AE", "AR") for one in split_batch(data))
