"""Hard cases, each found by a hostile message: what is not said is not read, and what is said in an odd way is."""

from datetime import UTC, datetime

import pytest

from parsers.batches import split_batch
from parsers.charsets import decode
from parsers.events import Medication, Merge, Observation, Order, Susceptibility
from parsers.fields import Delimiters
from parsers.read import read
from parsers.unused import SAME
from tests.corpus import PID, VITALS, adt, message, oru, segment

MARKS = Delimiters("|", "^~\\&")


def only(*segments: str) -> Observation:
    [event] = read(oru(*segments)).events
    assert isinstance(event, Observation)
    return event


def test_what_a_number_is_not_is_no_number() -> None:
    event = only("OBX|1|SN|2823-3^K^LN||<>^4.1|mmol/L|||||F")
    assert (event.value_num, event.value_text, event.comparator, event.canonical) == (None, "<>4.1", "<>", None)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("C:\\temp\\T\\x", "C:\\temp&x"),
        ("a\\b \\E\\F\\E\\", "a\\b \\F\\"),
        ("\\E\\T\\E\\", "\\T\\"),
        ("\\Zlocal\\T\\", "\\Zlocal\\T\\"),
        ("5\\unended", "5\\unended"),
        ("\\X5A\\\\Xc3bc\\\\XFC\\", "Züü"),
        ("\\X5\\", "\\X5\\"),
        ("a\\.sp2\\b\\.in+4\\c\\.ti-2\\d\\.br\\", "a\n\nbcd\n"),
        ("\\P\\", "\\P\\"),
    ],
)
def test_escapes_among_marks_that_are_none(raw: str, text: str) -> None:
    assert MARKS.text(raw) == text


@pytest.mark.parametrize(
    ("code", "value", "unit", "canonical", "flag"),
    [
        ("2823-3", "6.9 mmol/L", "", 6.9, "unit_in_text"),
        ("59408-5", "93%", "", 93.0, "unit_in_text"),
        ("8310-5", "101.3 [degF]", "", 38.5, "unit_in_text"),
        ("2823-3", "6.9 mmol/L", "mmol/L", None, "unmapped_answer"),
        ("2823-3", "6.9 furlongs", "", None, "unmapped_answer"),
        ("2823-3", "690 mmol/L", "", None, "impossible_value"),
        ("2823-3", "haemolysed", "mmol/L", None, "unmapped_answer"),
        ("2823-3", "6.9-7.1 mmol/L", "", None, "unmapped_answer"),
    ],
)
def test_a_text_where_a_number_is_meant(code: str, value: str, unit: str, canonical: float | None, flag: str) -> None:
    event = only(f"OBX|1|ST|{code}^X^LN||{value}|{unit}|||||F")
    assert (event.value_num, event.value_text, flag in event.flags) == (None, value, True)
    assert (event.canonical.value_num if event.canonical else None) == (pytest.approx(canonical) if canonical else None)


@pytest.mark.parametrize(
    ("declared", "codec", "text"),
    [
        ("GBK", "gbk", "张伟"),
        ("GB2312", "gb2312", "张伟"),
        ("EUC-JP", "euc-jp", "鈴木"),
        ("EUC-KR", "euc-kr", "김철수"),
        ("SHIFT_JIS", "cp932", "表示"),
        ("KOI8-R", "koi8-r", "Иванов"),
        ("WINDOWS-1253", "cp1253", "Αθήνα"),
        ("TIS-620", "cp874", "สมชาย"),
    ],
)
def test_names_of_character_sets_that_senders_use_beside_hl7s(declared: str, codec: str, text: str) -> None:
    body = f"MSH|^~\\&|A|||||||||||||||{declared}\rPID|1||".encode() + text.encode(codec)
    assert decode(body) == (f"MSH|^~\\&|A|||||||||||||||{declared}\rPID|1||{text}", ())


@pytest.mark.parametrize("trigger", ["A40", "A43", "A47"])
def test_a_merge_of_a_number_with_itself_says_that_nothing_comes_of_it(trigger: str) -> None:
    found = read(adt(trigger, "MRG|42^^^HOSP^MR"))
    assert (found.ack, found.events, found.unused) == ("AA", (), SAME)
    assert [type(event) for event in read(adt(trigger, "MRG|42^^^HOSP^MR", "MRG|41^^^HOSP^MR")).events] == [Merge]


PARENT = segment("OBR", {1: "1", 3: "F1", 4: "630-4^Urine culture^LN", 24: "MB", 25: "F"})
TESTS = segment("OBR", {1: "2", 3: "F2", 4: "S^Panel^L", 25: "F", 26: "630-4&B&LN^1", 29: "P1^F1"})


@pytest.mark.parametrize("value", ["S^Susceptible", "S", "^susceptible", "S^Fully susceptible to it^L"])
def test_how_an_organism_bears_a_drug_may_stand_in_the_value_alone(value: str) -> None:
    obx = "OBX|1|CWE|630-4^Bacteria^LN|1|^Klebsiella||||||F"
    drugs = "OBX|1|NM|18864-9^Ampicillin^LN||32|ug/mL||R|||F", f"OBX|2|CWE|18906-8^Cipro^LN||{value}||||||F"
    found = [event for event in read(oru(PARENT, obx, TESTS, *drugs)).events if isinstance(event, Susceptibility)]
    assert [(one.organism, one.display, one.interpretation) for one in found] == [
        ("Klebsiella", "Ampicillin", "R"),
        ("Klebsiella", "Cipro", "S"),
    ]


@pytest.mark.parametrize("value", ["S^Susceptible", "R^Resistant"])
def test_answers_that_are_words_alone_make_a_panel_of_susceptibilities(value: str) -> None:
    found = read(oru(PARENT, "OBX|1|CWE|630-4^B^LN|1|^Klebsiella||||||F", TESTS, f"OBX|1|CWE|18906-8^Cipro^LN||{value}||||||F")).events
    [one] = [event for event in found if isinstance(event, Susceptibility)]
    assert one.interpretation == value[0]


def test_an_order_number_is_the_fillers_wherever_it_stands() -> None:
    """OBR-3, else ORC-3: a correction may say it in the one where the result said it in the other."""
    numbers = [
        only(orc, obr, "OBX|1|NM|2823-3^K^LN||4.1|mmol/L|||||F").result_key
        for orc, obr in (("ORC|RE|P1|F1", "OBR|1|P1||X"), ("ORC|RE", "OBR|1|P1|F1|X"), ("ORC|RE|P1", "OBR|1||F1|X"))
    ]
    assert numbers == ["F1|2823-3|"] * 3
    assert only("ORC|RE|P1", "OBR|1|||X", "OBX|1|NM|2823-3^K^LN||4.1|mmol/L|||||F").result_key == "P1|2823-3|"


def test_timing_of_old_stands_in_the_drugs_own_segment() -> None:
    order, dose = read(
        message("RDE^O01", PID, "ORC|NW|P1", "RXE|^Q6H^^20260301100000+0100^^S|AX^Amoxicillin^L|500||mg", version="2.3")
    ).events
    assert isinstance(order, Order)
    assert isinstance(dose, Medication)
    assert (order.priority, dose.priority, dose.started_at) == ("S", "S", datetime(2026, 3, 1, 9, tzinfo=UTC))


BATCH = b"FHS#@~\\&#A\nBHS#@~\\&#A\n%b\nBTS#1\nFTS#1\n"


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_batch_of_other_delimiters_gives_its_messages_and_nothing_else(end: bytes, mark: bytes) -> None:
    one = oru(*VITALS[:2]).replace(b"|", b"#").replace(b"^", b"@")
    found = split_batch(mark + (BATCH % (one + one)).replace(b"\r", b"\n").replace(b"\n", end))
    assert found == [one, one]
    assert [read(raw).ack for raw in found] == ["AA", "AA"]
