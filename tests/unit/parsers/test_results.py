"""Results: what their order, specimen and status make of them."""

import pytest

from parsers.events import Observation
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


def test_a_status_that_no_table_knows_is_flagged() -> None:
    [event] = observations("OBX|1|NM|8867-4^^LN||71|/min|||||Q")
    assert (event.status, "unknown_status" in event.flags) == ("final", True)


def test_a_result_takes_the_status_and_time_of_its_order_where_it_has_none() -> None:
    [event] = observations("OBR|1||F1|E^E^L|||20260301110000+0000||||||||||||||||||P", "OBX|1|NM|8867-4^^LN||71|/min")
    assert (event.status, event.observed_at and event.observed_at.hour) == ("preliminary", 11)
