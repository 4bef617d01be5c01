"""Profiles: the examples shipped are sound, what they say is done, and what is wrong in one is named."""

import re
import textwrap
from pathlib import Path

import pytest

from parsers.census import Census
from parsers.events import Admit, Cancel, Observation
from parsers.identity import key_of
from parsers.profile import PLAIN, CodeMap, Mapped, Profile
from parsers.profile_files import ProfileFault, load_profile, read_table, shipped
from parsers.read import read
from tests.corpus import MESSAGES, PID, PV1, adt, message, oru, segment

TABLE = "code,system,loinc,unit,comment\n"


@pytest.mark.parametrize("name", ["cerner", "epic", "ge", "meditech", "philips"])
def test_every_profile_shipped_is_sound_and_says_what_it_is(name: str) -> None:
    profile = load_profile(name)
    assert name in shipped()
    assert profile.name == name
    assert profile.description
    assert profile.codes.codes


def test_no_name_is_a_feed_that_does_as_hl7_says() -> None:
    assert load_profile("") is PLAIN


@pytest.mark.parametrize(
    ("profile", "code", "value", "unit", "expected"),
    [
        ("epic", "6^Temp^EPC", "101.3", "F", ("8310-5", 38.5)),
        ("epic", "6^Temp^EPC", "101.3", "", ("8310-5", 38.5)),
        ("epic", "5.1^BP^EPC", "124", "", ("8480-6", 124)),
        ("cerner", "TEMPORAL^Temperature Temporal Artery", "37.1", "DegC", ("8310-5", 37.1)),
        ("meditech", "K^POTASSIUM", "4.2", "", ("2823-3", 4.2)),
        ("philips", "0002-4bb8^SpO2^MDIL", "97", "", ("59408-5", 97)),
        ("philips", "0002-500a^RR^MDIL", "16", "rpm", ("9279-1", 16)),
        ("ge", "VITAL NBP-S", "118", "mmHg", ("8480-6", 118)),
    ],
)
def test_a_sites_own_codes_and_units_are_understood_and_only_there(
    profile: str, code: str, value: str, unit: str, expected: tuple[str, float]
) -> None:
    raw = oru(f"OBX|1|NM|{code}||{value}|{unit}|||||F")
    [event] = read(raw, profile=load_profile(profile)).events
    assert isinstance(event, Observation)
    assert event.canonical is not None
    assert (event.canonical.code, event.canonical.value_num) == (expected[0], pytest.approx(expected[1], rel=1e-3))
    assert (event.code, event.unit) == (code.split("^", maxsplit=1)[0], unit or None)
    [plain] = read(raw).events
    assert isinstance(plain, Observation)
    assert (
        "unmapped_code" in plain.flags or "unmapped_unit" in plain.flags or plain.canonical is None or plain.canonical.code == expected[0]
    )


def test_two_feeds_with_the_same_code_keep_their_own_meanings() -> None:
    heart = load_profile("philips").codes.codes["0002-4182", "MDIL"]
    one = Profile(codes=CodeMap({("X", ""): heart}))
    other = Profile(codes=CodeMap({("X", "L"): Mapped(quantity=load_profile("ge").codes.codes["VITAL RESP", ""].quantity, unit="/min")}))
    raw = oru("OBX|1|NM|X^x^L||16||||||F")
    found = [
        event.canonical for profile in (one, other, PLAIN) for event in read(raw, profile=profile).events if isinstance(event, Observation)
    ]
    assert [canonical and canonical.code for canonical in found] == ["8867-4", "9279-1", None]


IDENTIFIERS = "PID|1||7^^^NHS^NH~8^^^LAB^PI~42^^^HOSP^MR~43^^^EAST^MR"


@pytest.mark.parametrize(
    ("profile", "key"),
    [
        (PLAIN, "HOSP:42"),
        (Profile(identifier_types=("PI", "MR")), "LAB:8"),
        (Profile(authorities=("EAST",)), "EAST:43"),
        (Profile(authorities=("EAST", "LAB"), identifier_types=()), "EAST:43"),
        (Profile(identifier_types=("NH",)), "NHS:7"),
    ],
)
def test_the_listener_and_the_reader_key_a_patient_by_the_same_identifier(profile: Profile, key: str) -> None:
    raw = message("ADT^A01", IDENTIFIERS, PV1)
    assert key_of(raw, profile) == key
    patient = read(raw, profile=profile).patient
    assert patient is not None
    assert patient.key == key


def test_a_visits_number_stands_where_the_feed_puts_it() -> None:
    for name, number in (("epic", "V42"), ("cerner", "A42")):
        first, *_ = read(adt("A01"), profile=load_profile(name)).events
        assert isinstance(first, Admit)
        assert first.visit.encounter_id == number


def test_a_cancelled_transfer_at_meditech_is_in_pv1_6() -> None:
    first, *_ = read(adt("A12"), profile=load_profile("meditech")).events
    assert isinstance(first, Cancel)
    assert first.visit.location is not None
    assert first.visit.location.unit == "3E"


@pytest.mark.parametrize(
    ("kind", "value", "comma", "expected"),
    [
        ("NM", "12,5", True, 12.5),
        ("SN", "<^0,5", True, 0.5),
        ("NM", "12,5", False, None),
        ("NM", "1,234,5", True, None),
        ("NM", "12.5", True, 12.5),
    ],
)
def test_a_comma_is_a_decimal_point_only_where_the_feed_says_so(kind: str, value: str, comma: bool, expected: float | None) -> None:
    [event] = read(oru(f"OBX|1|{kind}|2345-7^^LN||{value}|mmol/L|||||F"), profile=Profile(decimal_comma=comma)).events
    assert isinstance(event, Observation)
    assert event.value_num == expected
    assert (event.canonical is None) == (expected is None)


def test_a_local_event_is_read_as_what_it_is() -> None:
    raw = adt("Z01")
    assert read(raw).flags == ("not_used",)
    first, *_ = read(raw, profile=Profile(events={"ADT^Z01": "ADT^A01"})).events
    assert isinstance(first, Admit)


def test_a_feeds_zone_holds_where_no_offset_is_sent() -> None:
    raw = oru("OBX|1|NM|8867-4^^LN||71|/min|||||F|||202607011200").replace(b"+0100", b"")
    [event] = read(raw, profile=load_profile("epic")).events
    assert isinstance(event, Observation)
    assert event.observed_at is not None
    assert event.observed_at.isoformat() == "2026-07-01T16:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("descriptoin = 'x'", "descriptoin"),
        ("[messages]\nsequence_numbers = 'yes'", "sequence_numbers"),
        ("[messages]\ncharacter_set = 'KLINGON'", "character_set"),
        ("[messages]\ntimezone = 'Mars/Olympus'", "timezone"),
        ("[visit]\nnumber = ['PV1-7']", "number"),
        ("[codes]\nunits = { bpm = 'beats' }", "beats"),
        ("[codes]\ntables = ['none.csv']", "none.csv"),
        ("[codes", "TOML"),
    ],
)
def test_what_is_wrong_in_a_profile_is_named(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(ProfileFault) as fault:
        load_profile(str(path))
    assert wrong in str(fault.value) or str(path) in str(fault.value)
    assert "\n" in str(fault.value)


def test_a_profile_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ProfileFault, match="cerner, epic, ge, meditech, philips"):
        load_profile("mumps")


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ("HR,,8867-4,/min,\nHR,,9279-1,,\n", ":3: HR is there twice"),
        ("HR,,99999-9,,\n", ":2: 99999-9 is no LOINC code"),
        ("K,,2823-3,mg/dL,\n", ":2: mg/dL cannot be converted to mmol/L"),
        (",,8867-4,,\n", ":2: the code is empty"),
        ("HR,,8867-4\n", ":2: the line has not 5 columns"),
        ("HR,,8867-4,,a,b\n", ":2: the line has not 5 columns"),
    ],
)
def test_what_is_wrong_in_a_table_is_named_with_its_line(tmp_path: Path, rows: str, wrong: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(TABLE + rows)
    with pytest.raises(ProfileFault) as fault:
        read_table(path)
    assert wrong in str(fault.value)


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("loinc,code\n")
    with pytest.raises(ProfileFault, match="the columns are not code,system,loinc,unit,comment"):
        read_table(path)


def test_a_census_counts_what_a_feed_will_do_and_names_no_patient() -> None:
    census = Census(load_profile("epic"))
    for raw in MESSAGES.values():
        census.add(read(raw))
    census.add(read(oru("OBX|1|NM|MCV^Mean volume^L||90|fL|||||F", "OBX|2|NM|2823-3^^LN||4.2|furlong|||||F", "ZPV|1", "ZXX|1")))
    census.add(read(message("ORU^R01", "PID|1||", "OBX|1|NM|8867-4^^LN||71|/min|||||F")))
    census.add(read(b"junk"))
    report = census.report()
    assert (report.messages, report.refused) == (len(MESSAGES) + 3, 2)
    assert report.accepted + report.refused == report.messages == sum(one.messages for one in report.types)
    assert sum(one.refused for one in report.types) == 2
    assert [(one.code, one.unit, one.count) for one in report.unmapped_codes if one.code == "MCV"] == [("MCV", "fL", 1)]
    assert [one.what for one in report.unmapped_units] == ["furlong for 2823-3"]
    assert {one.what: one.remark for one in report.set_aside if one.what.startswith("Z")} == {"ZPV": "expected", "ZXX": "local segment"}
    assert [one.what for one in report.reasons] == [
        "100 MSH: the message begins with no MSH segment",
        "101 PID-3: the patient identifier is missing",
    ]
    assert report.understood < report.observations
    assert report.patients == 2
    assert "42" not in {word for one in report.missing for word in one.what.split()}
    assert "CANARY" not in repr(report)


def test_the_census_tells_what_is_missing() -> None:
    census = Census(PLAIN)
    census.add(read(message("ADT^A01", "PID|1||42^^^HOSP^MR", "PV1|1|I")))
    census.add(read(message("ORU^R01", PID, segment("OBX", {2: "NM", 3: "2823-3^^LN", 5: "4.2", 11: "F"}))))
    assert {one.what.split(":")[0] for one in census.report().missing} == {
        "PID-7", "PID-8", "PV1-19", "PV1-3", "OBR-3, OBR-2", "OBX-6",
    }  # fmt: skip


GUIDE = Path(__file__).parents[3] / "infra" / "docs" / "feeds.md"


def test_the_profile_in_the_guide_is_a_profile(tmp_path: Path) -> None:
    blocks = re.findall(r"(?:^    .*\n|^\n)+", GUIDE.read_text(), re.MULTILINE)
    [example] = [block for block in blocks if "description = " in block]
    (tmp_path / "guide.toml").write_text(textwrap.dedent(example))
    (tmp_path / "laboratory.csv").write_text(TABLE)
    profile = load_profile(str(tmp_path / "guide.toml"))
    assert (profile.authorities, profile.events, profile.character_set) == (("HOSP",), {"ORU^Z01": "ORU^R01"}, "8859/1")
