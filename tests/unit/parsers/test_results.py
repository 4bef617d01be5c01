"""Results: what their order, specimen and status make of them."""

import pytest

from parsers.events import Observation, Structured
from parsers.read import read

HEAD = "MSH|^~\\&|LAB|HOSP|||20260301120000+0000||ORU^R01|C1|P|2.5.1"
PID = "PID|1||42^^^HOSP^MR"


def observations(*segments: str) -> list[Observation]:
    message = read(("\r".join((HEAD, PID, *segments)) + "\r").encode())
    assert message.ack == "AA"
    return [event for event in message.events if isinstance(event, Observation)]


@pytest.mark.parametrize(
    ("before", "after", "understood"),
    [
        ("OBR|1||F1|U^Urine electrolytes^L", "", False),
        ("OBR|1||F1|E^Electrolytes^L|||||||||||UR^Urine", "", False),
        ("OBR|1||F1|E^Electrolytes^L", "SPM|1|||UR^Urine^HL70487", False),
        ("OBR|1||F1|E^Electrolytes^L", "SPM|1|||SER^Serum^HL70487", True),
        ("OBR|1||F1|G^Sodium during infusion^L", "", True),
        ("", "", True),
    ],
)
def test_a_laboratorys_name_is_not_taken_for_a_blood_value_where_the_specimen_is_another(before: str, after: str, understood: bool) -> None:
    [event] = observations(*filter(None, (before, "OBX|1|NM|NA^Sodium^L||135|mmol/L|||||F", after)))
    assert (event.canonical is not None) == understood


def test_each_order_has_its_own_specimen() -> None:
    first, second = observations(
        "OBR|1||F1|E^Electrolytes^L", "OBX|1|NM|NA^Sodium^L||135|mmol/L|||||F", "SPM|1|||UR^Urine",
        "OBR|2||F2|E^Electrolytes^L", "OBX|1|NM|NA^Sodium^L||135|mmol/L|||||F", "SPM|1|||SER^Serum",
    )  # fmt: skip
    assert (first.canonical is None, second.canonical is None) == (True, False)


@pytest.mark.parametrize(("code", "text", "number"), [("3151-8", "Room air", 0.0), ("3150-6", "RA", 21.0)])
def test_room_air_is_no_oxygen(code: str, text: str, number: float) -> None:
    [event] = observations(f"OBX|1|ST|{code}^^LN||{text}||||||F")
    assert event.canonical is not None
    assert event.canonical.value_num == number
    assert event.value_text == text


def test_room_air_says_nothing_of_a_saturation() -> None:
    [event] = observations("OBX|1|ST|59408-5^^LN||Room air||||||F")
    assert (event.canonical, event.value_text) == (None, "Room air")


@pytest.mark.parametrize(
    ("own", "order", "expected", "flags"),
    [
        ("20260301", "20260301083000+0000", "2026-03-01T08:30:00+00:00", ("date_only",)),
        ("20260301", "20260228083000+0000", "2026-03-01T00:00:00+00:00", ("date_only",)),
        ("20260301", "", "2026-03-01T00:00:00+00:00", ("date_only",)),
        ("202603", "20260301083000+0000", "2026-03-01T08:30:00+00:00", ("date_only",)),
        ("2026030107", "20260301083000+0000", "2026-03-01T07:00:00+00:00", ()),
        ("20260301T07", "20260301083000+0000", "2026-03-01T08:30:00+00:00", ("unreadable_time",)),
        ("", "20260301083000+0000", "2026-03-01T08:30:00+00:00", ()),
        ("", "", "2026-03-01T12:00:00+00:00", ()),
    ],
)
def test_a_day_alone_does_not_make_a_result_older_than_its_order(own: str, order: str, expected: str, flags: tuple[str, ...]) -> None:
    [event] = observations(f"OBR|1||F1|E^E^L|||{order}", f"OBX|1|NM|2823-3^^LN||4.2|mmol/L|||||F|||{own}")
    assert event.observed_at is not None
    assert (event.observed_at.isoformat(), event.flags) == (expected, flags)


@pytest.mark.parametrize(
    ("sent", "number", "comparator", "text", "structured", "flags"),
    [
        ("^182", 182, None, None, None, ()),
        ("=^4.2", 4.2, None, None, None, ()),
        (">^90", 90, ">", None, None, ("comparator",)),
        ("<=^0.5", 0.5, "<=", None, None, ("comparator",)),
        ("^10^-^20", None, None, "10-20", Structured(first=10, separator="-", second=20), ("not_numeric", "range")),
        ("=^1^:^640", None, None, "1:640", Structured(first=1, separator=":", second=640), ("not_numeric", "ratio")),
        ("<^1^/^8", None, "<", "<1/8", Structured(first=1, separator="/", second=8), ("not_numeric", "ratio", "comparator")),
        ("^2^+", None, None, "2+", Structured(first=2, separator="+"), ("not_numeric", "category")),
        ("^few", None, None, "few", None, ("not_numeric",)),
        ("^1^x^2", None, None, "1x2", None, ("not_numeric",)),
        ('""', None, None, None, None, ("null",)),
        ("", None, None, None, None, ()),
    ],
)
def test_a_structured_number_is_a_number_a_bound_or_neither(
    sent: str, number: float | None, comparator: str | None, text: str | None, structured: Structured | None, flags: tuple[str, ...]
) -> None:
    [event] = observations(f"OBX|1|SN|2823-3^^LN||{sent}|mmol/L|||||F|||20260301110000+0000")
    assert (event.value_num, event.comparator, event.value_text, event.structured) == (number, comparator, text, structured)
    assert event.flags[: len(flags)] == flags
    assert (event.canonical is not None) == (number is not None and number <= 20)


@pytest.mark.parametrize(
    ("kind", "sent", "text", "flag"),
    [
        ("CWE", "112283007^E. coli^SCT~3092008^S. aureus^SCT", "E. coli\nS. aureus", None),
        ("CWE", "^^^ALT^Other^L", "Other", None),
        ("CE", "POS", "POS", None),
        ("TX", "one~two", "one\ntwo", None),
        ("RP", "https://pacs/1^HTML^application", "https://pacs/1", "by_reference"),
        ("ED", "^application^pdf^Base64^AAAA", "application/pdf, 4 characters", "by_reference"),
        ("DTM", "20260301", "20260301", None),
        ("QQ", "4.2", "4.2", "unknown_type"),
        ("CWE^Coded^HL70125", "POS^Positive", "Positive", None),
    ],
)
def test_each_type_of_value_is_read_as_what_it_is(kind: str, sent: str, text: str, flag: str | None) -> None:
    [event] = observations(f"OBX|1|{kind}|X^Y^L||{sent}||||||F")
    assert (event.value_text, event.value_num, event.canonical) == (text, None, None)
    assert flag is None or flag in event.flags


def test_the_range_and_the_interpretation_of_the_laboratory_are_kept() -> None:
    [event] = observations("OBX|1|NM|2823-3^^LN||6.9|mmol/L|3.5 - 5.1|HH^Critical~A||||F")
    assert (event.reference_range, event.interpretation) == ("3.5 - 5.1", "HH A")


def test_a_status_that_no_table_knows_is_flagged() -> None:
    [event] = observations("OBX|1|NM|8867-4^^LN||71|/min|||||Q")
    assert (event.status, "unknown_status" in event.flags) == ("final", True)


def test_a_result_takes_the_status_and_time_of_its_order_where_it_has_none() -> None:
    [event] = observations("OBR|1||F1|E^E^L|||20260301110000+0000||||||||||||||||||P", "OBX|1|NM|8867-4^^LN||71|/min")
    assert (event.status, event.observed_at and event.observed_at.hour) == ("preliminary", 11)
