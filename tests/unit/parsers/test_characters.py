"""Characters, escapes, continuations and cuts: what the bytes of a message mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.charsets import CHARACTER_SETS, decode
from parsers.envelope import peek
from parsers.events import Observation
from parsers.fields import Delimiters
from parsers.profile import PLAIN, Profile
from parsers.read import read
from tests.corpus import MESSAGES, PID, message, oru

HEAD = b"MSH|^~\\&|A|B|||20260301||ORU^R01|C1|P|2.5.1||||||"
KANJI = "検査"


def text_of(declared: bytes, content: bytes, profile: Profile = PLAIN) -> tuple[str | None, tuple[str, ...]]:
    found = read(HEAD + declared + b"\rPID|1||42^^^HOSP^MR\rOBX|1|TX|N^N^L||" + content + b"||||||F\r", profile=profile)
    [event] = found.events
    assert isinstance(event, Observation)
    return event.value_text, found.flags


@pytest.mark.parametrize(
    ("declared", "content", "expected"),
    [
        (b"~ISO IR87", b"\x1b$B" + KANJI.encode("iso2022_jp")[3:-3] + b"\x1b(B ok", f"{KANJI} ok"),
        (b"ISO IR87", KANJI.encode("iso2022_jp"), KANJI),
        (b"~ISO IR87", b"\\M2442\\" + KANJI.encode("iso2022_jp")[3:-3] + b"\\C2842\\ ok", f"{KANJI} ok"),
        (b"ISO IR14~ISO IR87", "ｶﾅ".encode("cp932") + b" " + KANJI.encode("iso2022_jp"), f"ｶﾅ {KANJI}"),
        (b"8859/1~ISO IR87", "Zürich ".encode("latin-1") + KANJI.encode("iso2022_jp"), f"Zürich {KANJI}"),
        (b"~ISO IR87", b"\x1b(Jyen", "yen"),
        (b"ASCII~8859/7", b"\x1b-F" + "αβγ".encode("iso8859-7") + b"\x1b(B!", "αβγ!"),
        (b"~KS X 1001", b"\x1b$)C" + "검사".encode("euc_kr"), "검사"),
        (b"GB 18030-2000", "检查𠀀".encode("gb18030"), "检查𠀀"),
        (b"ISO-8859-15", "5 €".encode("iso8859-15"), "5 €"),
        (b"8859/5", "анализ".encode("iso8859-5"), "анализ"),
        (b"UNICODE UTF-8", "naïve µg".encode(), "naïve µg"),
    ],
)  # fmt: skip
def test_declared_sets_are_read_without_a_remark(declared: bytes, content: bytes, expected: str) -> None:
    assert text_of(declared, content) == (expected, ())


@pytest.mark.parametrize(
    ("declared", "content", "expected", "flag"),
    [
        (b"", KANJI.encode("iso2022_jp"), KANJI, "undeclared_bytes"),
        (b"", "Zürich".encode(), "Zürich", "undeclared_bytes"),
        (b"CNS 11643-1992", "Zürich".encode(), "Zürich", "unknown_character_set"),
        (b"~ISO IR87", b"\x1b$Bx\x1b(B", "�", "undeclared_bytes"),
        (b"~8859/2", b"\x1b.Zx", "x", "undeclared_bytes"),
    ],
)
def test_what_is_not_as_declared_is_read_as_far_as_it_can_be_and_flagged(declared: bytes, content: bytes, expected: str, flag: str) -> None:
    found, flags = text_of(declared, content)
    assert found is not None
    assert (found, flags) == (expected, (flag,)) or expected == "�"
    assert flag in flags


def test_a_feeds_own_set_is_read_where_msh_18_is_empty() -> None:
    assert text_of(b"", "Łódź".encode("iso8859-2"), Profile(character_set="8859/2")) == ("Łódź", ())


@pytest.mark.parametrize("declared", sorted(CHARACTER_SETS))
def test_every_set_has_its_codec(declared: str) -> None:
    text, flags = decode(HEAD + declared.encode() + b"\rPID|1||\xe4\xf6")
    assert text.startswith("MSH|^~\\&|A|B|")
    assert "unknown_character_set" not in flags


@given(st.binary(max_size=200), st.sampled_from([b"", b"~ISO IR87", b"8859/1~ISO IR159", b"GB18030", b"KS X 1001~", b"BIG-5", b"X"]))
def test_no_bytes_are_too_strange_for_any_set(content: bytes, declared: bytes) -> None:
    assert decode(HEAD + declared + b"\rPID|1||" + content)[0].startswith("MSH|")


@given(st.text(max_size=60), st.sampled_from(["^~\\&", "^~\\&#", "@!$%"]))
def test_escaping_and_its_way_back_are_the_identity(text: str, encoding: str) -> None:
    marks = Delimiters("|", encoding)
    escaped = marks.escaped(text)
    assert marks.text(escaped) == text
    assert marks.escaped(marks.text(escaped)) == escaped
    assert not {"|", "\r", "\n", *encoding[:2], *encoding[3:]} & set(escaped)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("\\F\\\\S\\\\T\\\\R\\\\E\\", "|^&~\\"),
        ("\\E\\F\\E\\", "\\F\\"),  # what an escape gives is not read again
        ("a\\.br\\b", "a\nb"),
        ("a\\.sp2\\b", "a\n\nb"),
        ("a\\.sk3\\b", "a   b"),
        ("\\H\\bold\\N\\", "bold"),
        ("\\XC3BC\\", "ü"),
        ("\\XFC\\", "ü"),
        ("\\X4\\", "\\X4\\"),
        ("\\Zlocal\\", "\\Zlocal\\"),
        ("C:\\temp", "C:\\temp"),
        ("\\", "\\"),
    ],
)
def test_escapes(raw: str, text: str) -> None:
    assert Delimiters("|", "^~\\&").text(raw) == text


def value(raw: bytes) -> Observation:
    found = read(raw)
    assert found.ack == "AA", found.reason
    [event] = found.events
    assert isinstance(event, Observation)
    return event


def test_what_add_continues_is_one_field_again_and_every_segment_is_counted() -> None:
    found = read(MESSAGES["continued"])
    assert value(MESSAGES["continued"]).value_text == "first half, second half"
    assert (found.segments_in, found.segments_read, found.segments_set_aside) == (5, 5, ())
    assert value(oru("OBX|1|NM|8867-4^^LN||7", "ADD|1|/m", "ADD|in|||||F")).canonical is not None


def test_the_rest_of_a_message_that_began_in_another_is_refused() -> None:
    reason = peek(message("ORU^R01", "ADD|second half", PID)).reason
    assert reason is not None
    assert reason.detail.startswith("ADD: ")


def test_a_value_that_another_message_continues_is_not_scored() -> None:
    event = value(oru("OBX|1|NM|8867-4^^LN||12", "DSC|next|F"))
    assert (event.canonical, "cut_short" in event.flags) == (None, True)


def test_what_a_sender_cut_short_is_kept_and_never_scored() -> None:
    assert "truncated" in value(MESSAGES["truncation"]).flags
    cut = message("ORU^R01", PID, "OBX|1|NM|8867-4^^LN||12#|/min|||||F", version="2.7").replace(b"^~\\&", b"^~\\&#")
    assert (value(cut).canonical, value(cut).value_num, value(cut).value_text) == (None, None, "12#")


def test_a_patients_number_that_was_cut_short_is_no_key() -> None:
    raw = message("ORU^R01", "PID|1||123#^^^HOSP^MR", "OBX|1|NM|8867-4^^LN||12|/min|||||F", version="2.7").replace(b"^~\\&", b"^~\\&#")
    reason = read(raw).reason
    assert reason is not None
    assert (reason.code, reason.detail) == ("102", "PID-3: the patient identifier is cut short, as its truncation character says")


@pytest.mark.parametrize(
    ("number", "protocol", "ack"),
    [
        ("0", "refuse_protocol", "AR"),
        ("-1", "refuse_protocol", "AR"),
        ("17", "refuse_protocol", "AA"),
        ("17", "refuse", "AR"),
        ("0", "ignore", "AA"),
        ("", "refuse", "AA"),
    ],
)
def test_the_sequence_number_protocol_is_refused_clearly(number: str, protocol: str, ack: str) -> None:
    raw = oru("OBX|1|NM|8867-4^^LN||71|/min|||||F").replace(b"|2.5.1\r", f"|2.5.1|{number}\r".encode())
    found = read(raw, profile=Profile(sequence_numbers=protocol))  # type: ignore[arg-type]
    assert found.ack == ack
    assert found.reason is None or found.reason.detail.startswith("MSH-13: the sequence number protocol is not spoken here")
    assert ("sequence_number" in found.flags) == bool(number)


@pytest.mark.parametrize(
    "version", ["2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2", "2.9"]
)
def test_every_version_is_read(version: str) -> None:
    assert value(message("ORU^R01", PID, "OBX|1|NM|8867-4^^LN||71|/min|||||F", version=version)).value_num == 71
