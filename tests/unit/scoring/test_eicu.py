"""Data sets as trajectories: the same features as their HL7 gives, and nothing of the future in any of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import isnan

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.events import Observation
from parsers.read import read
from scoring.models import cinc2012, eicu
from scoring.models.eicu import Ended
from scoring.models.eicu_inputs import COLUMNS, FURTHER, KINDS, columns_of, further, kinds_of
from scoring.models.metadata import SHIPPED
from scoring.models.trajectory import Trajectory, steps
from scoring.models.walk import Walked, walk
from streams.features import FEATURES
from streams.patient import PatientState, advance
from streams.replay import cinc2012 as records
from streams.replay import eicu as source
from streams.replay.events import Received
from streams.replay.facts import Asked, Assessed, Course, Drug, Fact, Measured, Told, in_order
from streams.replay.trajectories import messages
from tests.eicu_tables import hospital

LIVES = Ended(person_id="p", groups={}, died=False, ended_h=40.0, ventilated_h=None)


@pytest.fixture(scope="module")
def stays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trajectory]:
    folder = hospital(tmp_path_factory.mktemp("data"))
    return {one.patient_id: one for one, _ in eicu.trajectories(folder)}


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Course]:
    return {one.stay_id: one for one in source.courses(hospital(tmp_path_factory.mktemp("data")))}


def from_hl7(course: Course, converted: Trajectory) -> Trajectory:
    """The same stay as the bedside takes it in: every message read, the admission too; of the converter's only the hours at which to look."""
    start = converted.steps[0].at - timedelta(hours=1)
    (admitted_at, admission), *told = [(one.at, read(one.raw)) for one in messages(course, start)]
    assert {message.ack for _, message in told} == {"AA"}
    state = PatientState(patient_id=course.stay_id)
    for event in admission.events:
        state = advance(state, event, received_at=admitted_at, person=admission.person, visit=admission.visit)
    events = [Received(at=at, event=event) for at, message in told for event in message.events]
    return replace(converted, initial=state, steps=steps(events, [step.at for step in converted.steps]))


def walked(patient: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """Features and further columns."""
    found = walk(patient)
    return found.matrix, further(patient, found.news2_at_least.tolist())


def unlike(course: Course, converted: Trajectory) -> list[str]:
    """The columns in which a stay and its HL7 differ."""
    found = []
    for mine, theirs, names in zip(walked(converted), walked(from_hl7(course, converted)), (FEATURES, FURTHER), strict=True):
        found += [name for name, one, two in zip(names, mine.T, theirs.T, strict=True) if not np.array_equal(one, two, equal_nan=True)]
    return found


@pytest.mark.parametrize("stay", ["11", "12"])
def test_an_eicu_stay_replayed_as_hl7_gives_the_features_of_the_converter(
    courses: dict[str, Course], stays: dict[str, Trajectory], stay: str
) -> None:
    assert unlike(courses[stay], stays[stay]) == []
    assert not np.isnan(walk(stays[stay]).matrix[-1]).all()


RECORD = """Time,Parameter,Value
00:00,RecordID,132539
00:00,Age,54
00:00,Gender,0
00:00,Height,431
00:00,ICUType,4
00:00,Weight,-1
00:07,GCS,15
00:07,HR,73
00:07,NIDiasABP,65
00:07,SysABP,147
00:07,NISysABP,141
00:07,RespRate,19
00:07,Temp,35.1
00:07,Urine,900
00:07,Urine,420
01:37,HR,0
01:37,SysABP,0
01:37,RespRate,0
01:37,Temp,-17.8
02:10,Creatinine,0.8
02:10,K,4.4
03:37,FiO2,0.5
05:00,HR,88
20:00,Creatinine,1.7
47:59,HR,90
"""


def test_a_cinc2012_record_replayed_as_hl7_gives_the_features_of_the_converter() -> None:
    course = records.course("132539", RECORD)
    assert unlike(course, cinc2012.trajectory(course, died=True)) == []


def test_what_no_living_patient_has_is_refused_and_never_scored() -> None:
    course = records.course("132539", RECORD)
    told = [event for step in cinc2012.trajectory(course, died=None).steps for event in step.events if isinstance(event, Observation)]
    refused = {(event.code, event.value_num or event.value_text or 0.0) for event in told if "impossible_value" in event.flags}
    assert refused == {("8867-4", 0.0), ("8480-6", 0.0), ("9279-1", 0.0), ("8310-5", -17.8), ("Height", "431 cm")}
    assert all(event.canonical is None for event in told if "impossible_value" in event.flags)
    matrix = walk(cinc2012.trajectory(course, died=None)).matrix
    low = FEATURES.index("heart_rate_6h_low"), FEATURES.index("temperature_24h_low")
    assert [matrix[4, place] for place in low] == [73, np.float32(35.1)], "after the zeros of 01:37 the lowest is still the one of 00:07"


def test_cuff_and_artery_of_one_minute_are_both_kept() -> None:
    course = records.course("1", RECORD)
    assert sorted(fact.values["sbp"] for fact in course.facts if isinstance(fact, Measured) and "sbp" in fact.values) == [0, 141, 147]
    assert [fact.values["urine_output"] for fact in course.facts if isinstance(fact, Measured) and "urine_output" in fact.values] == [
        900,
        420,
    ]


def test_minus_one_is_nothing_and_a_file_of_another_kind_is_told() -> None:
    assert records.course("1", RECORD.replace("00:00,Age,54", "00:00,Age,-1")).age_years is None
    with pytest.raises(records.NotACinc2012File):
        records.course("1", "HR|Temp\n80|36\n")


def test_labels_of_a_record_are_those_it_can_have() -> None:
    labels = cinc2012.trajectory(records.course("1", RECORD), died=True).labels
    assert set(labels) == {"death", "aki"}
    assert labels["death"] == [1.0] * 48
    assert isnan(labels["aki"][0])
    assert labels["aki"][2:19] == [1.0] * 17, "from the first creatinine to the one that doubled it"
    assert all(isnan(one) for one in labels["aki"][19:])


def test_what_is_entered_late_is_known_late(stays: dict[str, Trajectory]) -> None:
    """FiO2 of 03:20 was entered at 08:20; a lab of the third hour is known an hour after it; an entry weeks later never is."""
    told = {
        (event.code, event.value_num): hour
        for hour, step in enumerate(stays["11"].steps, 1)
        for event in step.events
        if isinstance(event, Observation)
    }
    assert (told["3150-6", 60.0], told["2160-0", 0.9], told["9192-6", 200.0]) == (9, 4, 3)
    assert ("9192-6", 80.0) not in told
    assert told["9269-2", 13.0] == 2, "the coma scale of an examination is known with the note it stands in"
    assert told["9269-2", 9.0] == 14, "without a note, as late as nine notes in ten"


def test_litres_charted_as_a_percentage_are_refused(stays: dict[str, Trajectory]) -> None:
    charted = [event for step in stays["11"].steps for event in step.events if isinstance(event, Observation) and event.code == "3150-6"]
    assert {(event.value_num, event.canonical is not None) for event in charted} == {(60.0, True), (3.0, False)}


def test_a_stays_outcome_becomes_its_labels(stays: dict[str, Trajectory]) -> None:
    dies, lives = stays["11"].labels, stays["12"].labels
    assert dies["death"] == [1.0] * 24 and lives["death"] == [0.0] * 24
    assert dies["death_24h"] == [0.0] + [1.0] * 23, "death at 25:30"
    assert dies["support"][:3] == [1.0 if hour + 12 >= 800 / 60 else 0.0 for hour in (1, 2, 3)]
    assert isnan(dies["support"][14]), "on both from 14:50 on"
    hours = {task: (at - eicu.START).total_seconds() / 3600 for task, at in stays["11"].onsets.items()}
    assert hours == {
        "death": 25.5,
        "death_24h": 25.5,
        "aki": 21.0,
        "support": pytest.approx(800 / 60, abs=1e-3),
        "deterioration": pytest.approx(800 / 60, abs=1e-3),
    }
    assert stays["12"].onsets == {}, "a rise from nothing is none"
    assert stays["11"].hospital_id == "7" and stays["12"].hospital_id == "8"


def test_leaving_a_kind_out_leaves_the_rest_and_nothing_that_was_made_of_it() -> None:
    kinds = [kinds_of(name) for name in COLUMNS]
    assert set().union(*kinds) == {*KINDS, "patient"}
    assert len(columns_of(KINDS)) == len(COLUMNS)
    for kind in KINDS:
        left = columns_of([one for one in KINDS if one != kind])
        assert len(left) == len(COLUMNS) - sum(kind in one for one in kinds) < len(COLUMNS)
    assert [COLUMNS[place] for place in columns_of([])] == [
        "age_years", "is_male", "hours_in_hospital", "hours_in_unit", "hours_before_unit", "surgical_icu",
    ]  # fmt: skip


hours = st.integers(0, 30 * 4).map(lambda quarter: quarter / 4)
names = st.sampled_from(["heart_rate", "sbp", "spo2", "temperature", "creatinine", "lactate", "gcs", "urine_output", "fio2", "oxygen_flow"])
PLAUSIBLE = {"temperature": 37.0, "creatinine": 1.0, "lactate": 2.0, "gcs": 12.0, "fio2": 40.0, "oxygen_flow": 3.0}


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    true_h = draw(hours)
    known_h = true_h + draw(st.sampled_from([0.0, 0.0, 0.5, 3.0]))
    match draw(st.integers(0, 5)):
        case 0:
            return Drug(
                known_h=known_h,
                true_h=true_h,
                action="given",
                name=draw(st.sampled_from(["Norepinephrine", "Propofol", "Cefepime"])),
                dose_num=2.0,
            )
        case 1:
            return Told(known_h=known_h, true_h=true_h, kind="Note", text=draw(st.sampled_from(["septic shock", "COPD", "nothing new"])))
        case 2:
            return Asked(known_h=known_h, true_h=true_h, name=draw(st.sampled_from(["vasopressors", "dialysis", "enteral feeds"])))
        case 3:
            return Assessed(known_h=known_h, true_h=true_h, label="LOC", value=draw(st.sampled_from(["lethargic", "normal"])))
        case _:
            name = draw(names)
            value = PLAUSIBLE.get(name, 80.0) * draw(st.floats(0.7, 1.3))
            return Measured(known_h=known_h, true_h=true_h, values={name: value})


def course_of(told: Sequence[Fact]) -> Course:
    return Course(source="EICU", stay_id="1", unit="ICU", age_years=60.0, sex="F", facts=in_order(list(told)), hospital_id="7", left_h=32.0)


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(SHIPPED / "deterioration" / "1" / "model.onnx"), providers=["CPUExecutionProvider"])


@settings(max_examples=25, deadline=None)
@given(told=st.lists(facts(), min_size=1, max_size=25), other=st.lists(facts(), max_size=15), cut=st.integers(1, 31))
def test_no_feature_and_no_score_sees_the_future(
    session: onnxruntime.InferenceSession, told: list[Fact], other: list[Fact], cut: int
) -> None:
    """Whatever is received after an hour is shifted, dropped or replaced: up to that hour nothing changes, not even by a bit."""
    known = [fact for fact in told if fact.known_h <= cut]
    shifted = [replace(fact, known_h=fact.known_h + 1.0) for fact in told if fact.known_h > cut]
    late = [replace(fact, known_h=cut + 0.25 + fact.known_h) for fact in other]  # true of earlier hours, and not yet known
    one, two = (eicu.trajectory(course_of(each), LIVES) for each in (told, [*known, *shifted, *late]))
    before, after = walk(one), walk(two)
    np.testing.assert_array_equal(before.matrix[:cut], after.matrix[:cut])
    np.testing.assert_array_equal(before.news2_at_least[:cut], after.news2_at_least[:cut])
    more, less = (further(each, found.news2_at_least.tolist()) for each, found in ((one, before), (two, after)))
    np.testing.assert_array_equal(more[:cut], less[:cut])
    np.testing.assert_array_equal(scored(session, before, cut), scored(session, after, cut))


def scored(session: onnxruntime.InferenceSession, patient: Walked, cut: int) -> np.ndarray:
    found: np.ndarray = session.run(["probability"], {"features": patient.matrix[:cut]})[0]
    return found


@settings(max_examples=20, deadline=None)
@given(told=st.lists(facts(), min_size=1, max_size=25))
def test_any_course_gives_the_same_features_as_its_hl7(told: list[Fact]) -> None:
    course = course_of(told)
    assert unlike(course, eicu.trajectory(course, LIVES)) == []
