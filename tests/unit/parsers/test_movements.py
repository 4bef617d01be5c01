"""ADT: who comes, moves and leaves, what of it is taken back, and what is said beside it."""

from datetime import UTC, datetime

import pytest

from parsers.events import (
    Admit,
    Allergy,
    Cancel,
    CodeStatus,
    Discharge,
    Event,
    Leave,
    Member,
    Merge,
    MergeVisit,
    Move,
    Observation,
    Precaution,
    Team,
    Tracking,
    Transfer,
    Update,
)
from parsers.fields import at
from parsers.message import Reason
from parsers.profile import Profile
from parsers.read import read
from tests.corpus import EVN, MESSAGES, PID, PID2, PV1, adt, message, segment

NOON = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)


def events(raw: bytes) -> list[Event]:
    found = read(raw)
    assert found.ack == "AA", found.reason
    return list(found.events)


@pytest.mark.parametrize(
    ("trigger", "kind"),
    [
        ("A01", Admit), ("A04", Admit), ("A02", Transfer), ("A06", Transfer), ("A07", Transfer), ("A10", Transfer), ("A03", Discharge),
        ("A05", Update), ("A08", Update), ("A14", Update), ("A15", Update), ("A16", Update), ("A25", Update), ("A28", Update), ("A31", Update),
        ("A38", Update), ("A54", Update), ("A11", Cancel), ("A12", Cancel), ("A13", Cancel), ("A52", Cancel), ("A21", Leave), ("A22", Leave),
        ("A09", Tracking),
    ],
)  # fmt: skip
def test_each_trigger_is_its_movement_at_the_time_it_happened(trigger: str, kind: type[Event]) -> None:
    first, *_ = events(adt(trigger))
    assert type(first) is kind
    assert isinstance(first, Admit | Transfer | Update | Discharge | Cancel | Leave | Tracking)
    assert (first.occurred_at, first.visit.encounter_id, first.visit.patient_class) == (NOON, "V42", "I")


def test_before_2_2_the_event_is_in_evn() -> None:
    first, *_ = events(message("ADT", EVN.format(trigger="A03"), PID, PV1, version="2.1"))
    assert isinstance(first, Discharge)


@pytest.mark.parametrize("trigger", ["A06", "A07", "A10"])
def test_a_change_of_class_without_a_place_moves_nobody(trigger: str) -> None:
    first, *_ = events(adt(trigger, pv1="PV1|1|I||||||||||||||||V42"))
    assert isinstance(first, Update | Tracking)


@pytest.mark.parametrize("trigger", ["A09", "A10"])
def test_an_examination_elsewhere_keeps_the_bed(trigger: str) -> None:
    first, *_ = events(adt(trigger, pv1="PV1|1|I|4W^12^1||||||||XRAY^1^1||||||||V42"))
    assert isinstance(first, Tracking)
    assert first.visit.temporary_location is not None
    assert (first.visit.temporary_location.unit, first.arrived) == ("XRAY", trigger == "A10")


@pytest.mark.parametrize(
    ("trigger", "cancels"), [("A11", "admit"), ("A12", "transfer"), ("A13", "discharge"), ("A52", "leave"), ("A53", "return")]
)
def test_what_is_cancelled_is_named(trigger: str, cancels: str) -> None:
    first, *_ = events(adt(trigger))
    assert isinstance(first, Cancel)
    assert first.cancels == cancels


@pytest.mark.parametrize(
    ("pv1", "profile", "unit"),
    [
        (PV1, Profile(), "4W"),  # HL7: PV1-3 is where the patient is again
        ("PV1|1|I||||3E^2^1", Profile(), "3E"),
        (PV1, Profile(cancelled_transfer="PV1-6"), "3E"),
        ("PV1|1|I|4W^12^1", Profile(cancelled_transfer="PV1-6"), "4W"),
    ],
)
def test_a_cancelled_transfer_gives_back_the_place_before(pv1: str, profile: Profile, unit: str) -> None:
    first, *_ = read(adt("A12", pv1=pv1), profile=profile).events
    assert isinstance(first, Cancel)
    assert first.visit.location is not None
    assert first.visit.location.unit == unit


def test_a_swap_moves_each_patient_to_the_others_bed() -> None:
    found = read(MESSAGES["swap"])
    [moved, *_], [other] = found.events, found.others
    moved_other, *_ = other.events
    assert isinstance(moved, Transfer)
    assert isinstance(moved_other, Transfer)
    assert moved.visit.location is not None
    assert moved_other.visit.location is not None
    assert (moved.visit.location.unit, moved_other.visit.location.unit) == ("4W", "3E")
    assert (moved.visit.encounter_id, moved_other.visit.encounter_id) == ("V42", "V43")
    assert (found.patient and found.patient.key, other.patient.key) == ("HOSP:42", "HOSP:43")
    assert (moved.occurred_at, moved_other.occurred_at) == (NOON, NOON)
    assert (found.segments_in, found.segments_read) == (6, 6)


@pytest.mark.parametrize("trigger", ["A18", "A30", "A34", "A39", "A40"])
def test_a_merge_names_who_is_merged_away(trigger: str) -> None:
    assert events(message(f"ADT^{trigger}", EVN.format(trigger=trigger), PID, "MRG|41^^^HOSP^MR")) == [
        Merge(occurred_at=NOON, from_key="HOSP:41")
    ]


def test_each_group_of_a_merge_is_its_own_patients() -> None:
    found = read(MESSAGES["merge"])
    assert [event.from_key for event in found.events if isinstance(event, Merge)] == ["HOSP:41"]
    assert [(one.patient.key, [event.from_key for event in one.events if isinstance(event, Merge)]) for one in found.others] == [
        ("HOSP:43", ["HOSP:40"])
    ]


def test_a_merge_of_a_patient_known_at_two_authorities_merges_both_and_never_into_itself() -> None:
    former = "41^^^HOSP^MR~7^^^OTHER^MR~42^^^HOSP^MR~9434765919^^^NHS^NH"
    assert [event.from_key for event in events(message("ADT^A40", PID, f"MRG|{former}")) if isinstance(event, Merge)] == [
        "HOSP:41",
        "OTHER:7",
    ]


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("A35", [MergeVisit(section="account", occurred_at=NOON, from_encounter_id="A41", encounter_id="A42")]),
        ("A41", [MergeVisit(section="account", occurred_at=NOON, from_encounter_id="A41", encounter_id="A42")]),
        ("A42", [MergeVisit(section="visit", occurred_at=NOON, from_encounter_id="V41", encounter_id="V42")]),
        ("A49", [MergeVisit(section="account", occurred_at=NOON, from_encounter_id="A41", encounter_id="A42", renumbered=True)]),
        ("A50", [MergeVisit(section="visit", occurred_at=NOON, from_encounter_id="V41", encounter_id="V42", renumbered=True)]),
        ("A44", [Move(section="account", occurred_at=NOON, from_key="HOSP:41", from_encounter_id="A41", encounter_id="A42")]),
        ("A45", [Move(section="visit", occurred_at=NOON, from_key="HOSP:41", from_encounter_id="V41", encounter_id="V42")]),
        ("A43", [Merge(occurred_at=NOON, from_key="HOSP:41", renumbered=True)]),
        ("A47", [Merge(occurred_at=NOON, from_key="HOSP:41", renumbered=True)]),
        (
            "A36",
            [
                Merge(occurred_at=NOON, from_key="HOSP:41"),
                MergeVisit(section="account", occurred_at=NOON, from_encounter_id="A41", encounter_id="A42"),
            ],
        ),
    ],
)
def test_moves_and_changes_of_numbers_say_from_what_to_what(trigger: str, expected: list[Event]) -> None:
    assert events(adt(trigger, "MRG|41^^^HOSP^MR||A41||V41")) == expected


@pytest.mark.parametrize(
    ("trigger", "mrg", "detail"),
    [
        ("A44", "MRG|41^^^HOSP^MR", "MRG-3: the number of the account is missing"),
        ("A45", "MRG|41^^^HOSP^MR", "MRG-5: the number of the visit is missing"),
        ("A40", "MRG|", "MRG-1: the identifier that is merged away is missing"),
    ],
)
def test_a_merge_that_does_not_say_what_is_refused(trigger: str, mrg: str, detail: str) -> None:
    reason = read(adt(trigger, mrg)).reason
    assert reason is not None
    assert (reason.code, reason.detail) == ("101", detail)


def test_a_visit_moved_between_accounts_of_one_patient_is_only_renumbered() -> None:
    assert events(adt("A45", "MRG|||A41||V41")) == [
        MergeVisit(section="visit", occurred_at=NOON, from_encounter_id="V41", encounter_id="V42", renumbered=True)
    ]


def test_the_team_is_who_pv1_and_rol_name() -> None:
    role = "ROL|1|AD|PP^Primary Care^HL70443|D6^Primary^P|20260101000000+0100"
    over = "ROL|2|DE|RO^Registering^HL70443|D7^Gone"
    [team] = [event for event in events(adt("A01", role, over)) if isinstance(event, Team)]
    assert [(one.role, one.identifier) for one in team.members] == [
        ("attending", "D1"), ("referring", "D2"), ("consulting", "D3"), ("consulting", "D4"), ("admitting", "D5"), ("PP", "D6"), ("RO", "D7"),
    ]  # fmt: skip
    assert team.members[0] == Member(role="attending", identifier="D1", authority="LIC")
    assert (team.encounter_id, team.members[-1].ended_at) == ("V42", NOON)


def test_allergies_are_added_deleted_and_listed() -> None:
    iam = "IAM|1|DA^Drug|P^Penicillin^L|SV|HIVES^Hives~DYS^Dyspnoea|D"
    assert [event for event in events(message("ADT^A60", PID, iam, "IAM|2|DA|")) if isinstance(event, Allergy)] == [
        Allergy(
            action="D", type="DA", code="P", code_system="L", display="Penicillin", severity="SV", reaction="Hives; Dyspnoea",
            recorded_at=datetime(2026, 3, 1, 11, tzinfo=UTC),
        )
    ]  # fmt: skip
    [listed] = [event for event in events(adt("A08", "AL1|1|FA|NUT^Nuts^L|MO|Rash|20200101")) if isinstance(event, Allergy)]
    assert (listed.action, listed.code, listed.recorded_at) == (None, "NUT", datetime(2019, 12, 31, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("stating", "resuscitate", "withdrawn"),
    [
        (segment("PV2", {45: "DNR^Do not resuscitate^HL70435"}), "none", False),
        (segment("PV2", {45: "FULL^Full code^L"}), "full", False),
        (segment("PV2", {45: "N"}), None, False),
        (segment("PV2", {41: "N"}), "none", False),
        (segment("PD1", {15: "DNR"}), "none", False),
        (segment("PV2", {45: '""'}), None, True),
        ("OBX|1|CWE|CODE^Code Status^L||DNI^Do not intubate^L||||||F|||20260301", "limited", False),
        ("OBX|1|ST|CODE^Resuscitation status^L||Full code||||||F|||20260301", "full", False),
        ("OBX|1|CWE|DNR^DNR^L||Y^Yes||||||F|||20260301", "none", False),
        ("OBX|1|CWE|CS^Code status^L||Y^Yes||||||F|||20260301", None, False),
        ("OBX|1|CWE|CODE^Code Status^L||DNR||||||W|||20260301", None, True),
    ],
)
def test_what_is_to_be_done_at_an_arrest(stating: str, resuscitate: str | None, withdrawn: bool) -> None:
    [stated] = [event for event in events(adt("A08", stating)) if isinstance(event, CodeStatus)]
    assert (stated.resuscitate, stated.withdrawn) == (resuscitate, withdrawn)


def test_precautions_are_told_and_what_is_none_is_not() -> None:
    found = events(adt("A08", segment("PV2", {41: "C^Confused^HL70433~A"}), pv1=segment("PV1", {2: "I", 15: "B6~A0"})))
    assert [(event.code, event.stated_in) for event in found if isinstance(event, Precaution)] == [
        ("C", "PV2-41"), ("A", "PV2-41"), ("B6", "PV1-15"),
    ]  # fmt: skip


def test_results_that_an_adt_carries_are_scored_only_where_they_say_when() -> None:
    weight, heart = "OBX|1|NM|8867-4^^LN||71|/min|||||F", "OBX|2|NM|8867-4^^LN||72|/min|||||F|||20260301110000+0100"
    first, second = [event for event in events(adt("A01", weight, heart)) if isinstance(event, Observation)]
    assert (first.canonical, "no_own_time" in first.flags) == (None, True)
    assert second.canonical is not None


@pytest.mark.parametrize("trigger", ["A19", "A20", "A24", "A29", "A37", "A99"])
def test_a_trigger_that_vigil_has_no_use_for_is_taken_and_says_so(trigger: str) -> None:
    found = read(adt(trigger))
    assert (found.ack, found.events, found.flags) == ("AA", (), ("not_used",))
    assert found.unused


@pytest.mark.parametrize(("trigger", "field"), [("A35", "MRG-3"), ("A41", "MRG-3"), ("A42", "MRG-5"), ("A50", "MRG-5")])
def test_a_merge_of_visits_that_names_none_joins_none_and_says_so(trigger: str, field: str) -> None:
    """MRG-3 and MRG-5 are optional; within one patient nothing is misfiled by it, unlike in a move (A44, A45), which is refused."""
    found = read(adt(trigger, "MRG|41^^^HOSP^MR"))
    assert (found.ack, found.events) == ("AA", ())
    assert (found.unused or "").startswith(field)


def test_a_fault_in_the_second_of_two_merges_is_told_of_the_second() -> None:
    found = read(message("ADT^A40", PID, "MRG|41^^^HOSP^MR", PID2, "MRG|"))
    assert found.reason == Reason(code="101", detail="MRG-1: the identifier that is merged away is missing", occurrence=2)
    within_one = read(adt("A44", "MRG|41^^^HOSP^MR||A1", "MRG|41^^^HOSP^MR"))
    assert within_one.reason is not None
    assert within_one.reason.occurrence == 2


def test_two_peoples_results_in_one_message_stay_theirs() -> None:
    found = read(MESSAGES["two people"])
    [mine], [other] = found.events, found.others
    [theirs] = other.events
    assert isinstance(mine, Observation)
    assert isinstance(theirs, Observation)
    assert (mine.code, theirs.code, other.patient.key) == ("8867-4", "8310-5", "HOSP:43")
    assert (other.person and other.person.sex, found.person and found.person.sex) == ("M", "F")


def test_a_patient_who_comes_twice_in_a_message_is_one() -> None:
    found = read(message("ORU^R01", PID, "OBX|1|NM|8867-4^^LN||71|/min", PID2, PID, "OBX|1|NM|8867-4^^LN||72|/min"))
    assert [event.value_num for event in found.events if isinstance(event, Observation)] == [71, 72]
    assert found.others == ()


def test_one_of_several_patients_without_an_identifier_refuses_all() -> None:
    found = read(message("ORU^R01", PID, "OBX|1|NM|8867-4^^LN||71|/min", "PID|2||", "OBX|1|NM|8867-4^^LN||72|/min"))
    assert (found.ack, found.events, found.others) == ("AE", (), ())


def test_a_field_beyond_the_end_is_empty() -> None:
    assert at(["PV1", "1"], 44) == ""
