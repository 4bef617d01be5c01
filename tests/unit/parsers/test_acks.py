"""Acknowledgements: in the sender's words, only where they are wanted, never for an acknowledgement."""

from datetime import UTC, datetime

import pytest

from parsers.acks import Answer, acknowledge
from parsers.envelope import peek
from parsers.message import Reason

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEAD = "MSH|^~\\&|LAB|HOSP|VIGIL|SITE|20260301||{kind}|C1|P|2.4|||{accept}|{application}"


def ack(
    kind: str = "ORU^R01", accept: str = "", application: str = "", answer: Answer = "AA", reason: Reason | None = None
) -> list[str] | None:
    found = acknowledge(peek((HEAD.format(kind=kind, accept=accept, application=application) + "\r").encode()), answer, reason, "A1", NOW)
    return found[0].decode().rstrip("\r").split("\r") if found else None


def test_original_mode_names_the_message_and_swaps_the_parties() -> None:
    assert ack() == ["MSH|^~\\&|VIGIL|SITE|LAB|HOSP|20260301120000+0000||ACK^R01|A1|P|2.4", "MSA|AA|C1"]


def test_a_refusal_says_where_and_why() -> None:
    lines = ack(answer="AE", reason=Reason(code="101", detail="PID-3: the patient identifier is missing"))
    assert lines is not None
    assert lines[1] == "MSA|AE|C1|PID-3: the patient identifier is missing"
    assert lines[2] == "ERR|PID^1^3^101&Required field missing&HL70357"
    [found] = acknowledge(
        peek(b"MSH|^~\\&|LAB|HOSP|||2026||ADT^A01|C1|P|2.5.1\r"), "AE", Reason(code="101", detail="PID-3: none"), "A1", NOW
    )
    assert found.decode().split("\r")[2] == "ERR||PID^1^3|101^Required field missing^HL70357|E|||PID-3: none"


def test_a_refusal_counts_which_of_the_segments_it_is_about() -> None:
    reason = Reason(code="101", detail="MRG-1: none", occurrence=3)
    lines = ack(answer="AE", reason=reason)
    assert lines is not None
    assert lines[2].startswith("ERR|MRG^3^1^101&")
    [found] = acknowledge(peek(b"MSH|^~\\&|LAB|HOSP|||2026||ADT^A40|C1|P|2.5.1\r"), "AE", reason, "A1", NOW)
    assert found.decode().split("\r")[2].startswith("ERR||MRG^3^1|101^")
    [whole] = acknowledge(peek(b"MSH|^~\\&|LAB|HOSP|||2026||ADT^A40|C1|P|2.5.1\r"), "AE", Reason(code="100", detail="TXA: none"), "A1", NOW)
    assert whole.decode().split("\r")[2].startswith("ERR||TXA^1|100^")


@pytest.mark.parametrize(
    ("accept", "application", "answer", "code"),
    [
        ("AL", "", "AA", "CA"),
        ("AL", "NE", "AE", "CE"),
        ("NE", "AL", "AA", "AA"),
        ("ER", "", "AA", None),
        ("ER", "", "AR", "CR"),
        ("SU", "", "AE", None),
        ("", "AL", "AA", "AA"),
    ],
)
def test_enhanced_mode_answers_with_a_commit_where_it_is_wanted(accept: str, application: str, answer: Answer, code: str | None) -> None:
    lines = ack(accept=accept, application=application, answer=answer)
    assert (None if lines is None else lines[1].split("|")[1]) == code


@pytest.mark.parametrize(
    ("accept", "application", "answer", "codes"),
    [
        ("AL", "AL", "AA", ["CA", "AA"]),
        ("AL", "ER", "AA", ["CA"]),
        ("AL", "ER", "AE", ["CE", "AE"]),
        ("NE", "ER", "AR", ["AR"]),
        ("NE", "NE", "AR", []),
        ("SU", "SU", "AR", []),
        ("al", "?", "AA", ["CA", "AA"]),
    ],
)
def test_the_commit_comes_before_the_applications_word(accept: str, application: str, answer: Answer, codes: list[str]) -> None:
    envelope = peek((HEAD.format(kind="ORU^R01", accept=accept, application=application) + "\r").encode())
    found = [one.decode().split("\r") for one in acknowledge(envelope, answer, None, "A1", NOW)]
    assert [lines[1].split("|")[1] for lines in found] == codes
    assert len({lines[0].split("|")[9] for lines in found}) == len(codes)
    assert [
        lines[1].split("|")[1]
        for lines in ([one.decode().split("\r") for one in acknowledge(envelope, answer, None, "A1", NOW, heed=False)])
    ] == [answer]


def test_an_answer_to_a_question_is_not_acknowledged_but_where_it_asks_for_a_commit() -> None:
    raw = (HEAD.format(kind="RSP^K22", accept="{accept}", application="AL") + "\rMSA|AA|Q1\r").format
    assert acknowledge(peek(raw(accept="").replace("|AL\r", "|\r").encode()), "AA", None, "A1", NOW) == ()
    [commit] = acknowledge(peek(raw(accept="AL").encode()), "AA", None, "A1", NOW)
    assert b"MSA|CA|C1" in commit


def test_an_answer_with_letters_beyond_ascii_says_how_they_are_written() -> None:
    raw = HEAD.format(kind="ORU^R01", accept="", application="").replace("LAB", "LÁB") + "||8859/1\r"
    [found] = acknowledge(peek(raw.encode("latin-1")), "AA", None, "A1", NOW)
    head = found.decode().split("\r")[0].split("|")
    assert (head[4], head[17]) == ("LÁB", "UNICODE UTF-8")


def test_our_words_never_hold_the_senders_delimiters() -> None:
    envelope = peek(b"MSH|:~\\&|LAB|HOSP|||2026||ADT:A01|C1|P|2.5.1\r")
    [found] = acknowledge(envelope, "AE", Reason(code="101", detail="PID-3: none"), "A1", NOW)
    assert found.decode().split("\r")[1] == "MSA|AE|C1|PID-3\\S\\ none"


def test_an_acknowledgement_is_never_acknowledged() -> None:
    assert ack(kind="ACK^R01") is None


def test_the_senders_own_delimiters_are_used() -> None:
    [found] = acknowledge(peek(b"MSH#@~\\&#LAB#HOSP#VIGIL#SITE#20260301##ADT@A01#C1#P#2.4\r"), "AA", None, "A1", NOW)
    assert found.startswith(b"MSH#@~\\&#VIGIL#SITE#LAB#HOSP#")
    assert b"ACK@A01" in found
