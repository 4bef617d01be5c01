"""Stays spoilt as hospitals spoil them, and that they are walked by the same code as any other."""

from datetime import timedelta

import numpy as np
import pytest

from scoring.evaluate.sepsis2019 import walked, walked_as
from scoring.evaluate.stress import kinds_in, late, lost, nameless, sample, ways, without
from scoring.models.cinc2019 import trajectory
from scoring.models.trajectory import Trajectory
from scoring.models.walk import walk
from streams.features import CODE, FEATURES
from streams.patient import code_of

HEAD = "HR|O2Sat|Temp|SBP|MAP|DBP|Resp|Lactate|Age|Gender|Unit1|Unit2|HospAdmTime|ICULOS|SepsisLabel"
LACTATE = FEATURES.index("lactate_last")
LACTATE_AGE = FEATURES.index("lactate_age_h")


def text(hours: int = 24, first_lactate: int = 5, septic_from: int = 100) -> str:
    rows = (
        f"{70 + hour}|97|36.8|{120 - hour}|80|65|{14 + hour % 4}|{1.0 + hour / 10 if hour >= first_lactate and hour % 5 == 0 else 'NaN'}|64|1|0|1|-5|{hour}|{int(hour >= septic_from)}"
        for hour in range(1, hours + 1)
    )
    return "\n".join([HEAD, *rows])


@pytest.fixture
def stay() -> Trajectory:
    return trajectory("p100001", text())


def number(stay: Trajectory) -> int:
    return sum(len(step.events) for step in stay.steps)


def test_an_unspoilt_stay_is_walked_as_for_training(stay: Trajectory) -> None:
    np.testing.assert_array_equal(walked(("p100001", text())).matrix, walk(stay).matrix)
    bounds = [one.news2 for one in walked(("p100001", text())).published]
    np.testing.assert_array_equal(np.array(bounds, np.float32), walk(stay).news2_at_least)


def test_a_larger_share_loses_what_a_smaller_one_does_and_more() -> None:
    long = trajectory("p100001", text(hours=200))
    left = {share: [{code_of(event) for event in step.events} for step in lost(long, share).steps] for share in (0.1, 0.3, 0.5)}  # type: ignore[arg-type]
    for less, more in ((0.1, 0.3), (0.3, 0.5)):
        assert all(after <= before for before, after in zip(left[less], left[more], strict=True))
    for share, steps in left.items():
        assert sum(map(len, steps)) / number(long) == pytest.approx(1 - share, abs=0.05)
    assert lost(long, 0.3) == lost(long, 0.3)


def test_without_labs_nothing_but_labs_is_gone(stay: Trajectory) -> None:
    gone = without(stay, "labs")
    assert number(stay) - number(gone) == 4
    assert kinds_in(stay) == {"labs", "vital signs"}
    assert kinds_in(gone) == {"vital signs"}
    assert kinds_in(without(stay, "vital signs")) == {"labs"}


def test_a_late_lab_is_known_hours_later_with_the_age_it_has_then(stay: Trajectory) -> None:
    whole, spoilt = walk(stay).matrix, walk(late(stay, "labs", 2.0)).matrix
    assert np.isnan(spoilt[:6, LACTATE]).all()
    np.testing.assert_array_equal(spoilt[6:9, LACTATE], whole[4:7, LACTATE])
    assert (whole[4, LACTATE_AGE], spoilt[6, LACTATE_AGE]) == (0.0, 2.0)
    vitals = FEATURES.index("heart_rate_6h_last")
    np.testing.assert_array_equal(spoilt[:, vitals], whole[:, vitals])


def test_what_would_come_after_the_stay_never_comes(stay: Trajectory) -> None:
    assert number(stay) - number(late(stay, "labs", 6.0)) == 1
    assert number(late(stay, "labs", 100.0)) == number(without(stay, "labs"))
    times = [step.at for step in late(stay, "labs", 2.5).steps]
    assert times == [step.at for step in stay.steps]


def test_late_by_nothing_changes_nothing(stay: Trajectory) -> None:
    np.testing.assert_array_equal(walk(late(stay, "labs", 0.0)).matrix, walk(stay).matrix)


def test_without_birth_date_and_sex_their_features_are_not_known(stay: Trajectory) -> None:
    matrix = walk(nameless(stay)).matrix
    assert np.isnan(matrix[:, [FEATURES.index("age_years"), FEATURES.index("is_male")]]).all()


def test_spoiling_leaves_labels_onset_and_groups_alone() -> None:
    file = ("p100001", text(septic_from=15))
    whole = walked(file)
    for way in ways(frozenset({"labs", "vital signs"})):
        spoilt = walked_as((way.spoil, file))
        np.testing.assert_array_equal(spoilt.label, whole.label)
        assert (spoilt.onset_h, spoilt.recognised, spoilt.groups["unit"]) == (21.0, {"first lactate": 5.0}, "surgical ICU")
        assert spoilt.groups["age"] == (
            "" if way.name == "age and sex not known" else "65 to 79" if spoilt.groups["age"] == "65 to 79" else "45 to 64"
        )


def test_every_kind_of_input_that_is_there_is_taken_away_once() -> None:
    names = [way.name for way in ways(frozenset({"labs", "vital signs", "medications", "other"}))]
    assert names == [
        "10% of the readings lost", "30% of the readings lost", "50% of the readings lost", "no labs", "no medications", "no vital signs",
        "age and sex not known", "labs 2 hours late", "labs 6 hours late",
    ]  # fmt: skip
    assert "labs 2 hours late" not in [way.name for way in ways(frozenset({"vital signs"}))]


def test_who_and_where_a_patient_is_comes_from_the_file() -> None:
    found = walked(("p100001", text()))
    assert {name: found.groups[name] for name in ("sex", "unit", "hospital", "ethnicity")} == {
        "sex": "male", "unit": "surgical ICU", "hospital": "B", "ethnicity": "",
    }  # fmt: skip
    assert walked(("some patient", text())).groups["hospital"] == ""
    assert found.changed.all()
    assert found.began + timedelta(hours=float(found.hour[0])) == trajectory("p", text()).steps[0].at
    assert CODE["lactate"] == "2524-7"


@pytest.mark.parametrize(("events", "most", "chosen"), [(3, 100, 13), (3, 4, 4), (10, 4, 4), (0, 5, 5)])
def test_a_sample_stands_for_everybody(events: int, most: int, chosen: int) -> None:
    patients = {f"e{one}": True for one in range(events)} | {f"n{one}": False for one in range(10)}
    found = sample(patients, most, seed=1)
    assert len(found) == chosen
    for letter, size in (("e", events), ("n", 10)):
        weight = sum(one for name, one in found.items() if name[0] == letter)
        assert weight == pytest.approx(size)
    assert found == sample(patients, most, seed=1)
