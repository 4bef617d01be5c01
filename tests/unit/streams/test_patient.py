"""Rolling state: the same whatever order the facts arrive in, and nobody is moved by old news."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.events import Admit, Cancel, Canonical, Discharge, Location, Observation, ObservationStatus, Person, Transfer, Update, Visit
from streams.patient import PatientState, advance
from streams.readings import WINDOW

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EMPTY = PatientState(patient_id="HOSP:1")
POTASSIUM = "2823-3"


def potassium(value: float | None, minutes: int, key: str | None = None, status: ObservationStatus = "final") -> Observation:
    return Observation(
        code=POTASSIUM, code_system="LN", value_num=value, value_text=None, comparator=None, unit="mmol/L", observed_at=NOON + timedelta(minutes=minutes),
        status=status, set_id=None, sub_id=None, result_key=key,
        canonical=None if value is None else Canonical(code=POTASSIUM, value_num=value, unit="mmol/L"),
    )  # fmt: skip


def walk(facts: list[tuple[Observation, datetime]]) -> PatientState:
    state = EMPTY
    for observation, received_at in facts:
        state = advance(state, observation, received_at=received_at)
    return state


FACTS = st.lists(
    st.tuples(
        st.sampled_from([None, 3.1, 4.0, 6.8]), st.integers(-4000, 100), st.sampled_from([None, "L1", "L2", "L3"]),
        st.sampled_from(["final", "preliminary", "corrected", "deleted", "wrong"]), st.integers(0, 600),
    ),
    max_size=9,
)  # fmt: skip


@given(FACTS, st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_give_the_same_state(
    facts: list[tuple[float | None, int, str | None, ObservationStatus, int]], random: Random
) -> None:
    times = {"L1": -10, "L2": -2000, "L3": -3500}  # versions of one result speak of one time
    received = [
        (potassium(value, times.get(key or "", at), key, status), NOON + timedelta(minutes=101 + late))
        for value, at, key, status, late in facts
    ]
    shuffled = [*received, *received[: len(received) // 2]]
    random.shuffle(shuffled)
    assert walk(shuffled) == walk(received)


def test_a_deletion_that_comes_before_what_it_deletes_still_deletes_it() -> None:
    value, gone = (potassium(6.8, 0, "L1"), NOON), (potassium(None, 0, "L1", "deleted"), NOON + timedelta(minutes=5))
    for order in permutations([value, gone]):
        [reading] = walk(list(order)).readings[POTASSIUM]
        assert reading.value_num is None


def test_a_final_result_beats_a_preliminary_one_that_comes_late() -> None:
    final, early = (potassium(4.0, 0, "L1"), NOON), (potassium(6.8, 0, "L1", "preliminary"), NOON + timedelta(minutes=5))
    for order in permutations([final, early]):
        [reading] = walk(list(order)).readings[POTASSIUM]
        assert reading.value_num == 4.0


def test_readings_leave_exactly_when_the_window_has_passed() -> None:
    first = (potassium(4.0, 0), NOON)
    assert len(walk([first, (potassium(4.1, 48 * 60 - 1), NOON + WINDOW)]).readings[POTASSIUM]) == 2
    assert len(walk([first, (potassium(4.1, 48 * 60), NOON + WINDOW)]).readings[POTASSIUM]) == 1


def test_a_time_far_ahead_of_ours_is_not_believed() -> None:
    state = walk([(potassium(4.0, 24 * 60), NOON)])
    assert state.newest == NOON


def test_a_patient_is_known_as_before_when_our_own_clock_is_set_back_a_little() -> None:
    state = walk([(potassium(4.0, 0), NOON)])
    assert state.known_at(NOON - timedelta(minutes=9)) == NOON
    assert state.known_at(NOON - timedelta(hours=1)) == NOON - timedelta(hours=1)
    assert state.known_at(NOON + timedelta(minutes=1)) == NOON + timedelta(minutes=1)


def visit(unit: str, number: str = "V1") -> Visit:
    return Visit(encounter_id=number, patient_class="I", location=Location(unit=unit, bed="1"))


def at(hours: int) -> datetime:
    return NOON + timedelta(hours=hours)


def moved(*events: Admit | Transfer | Discharge | Update | Cancel) -> PatientState:
    state = EMPTY
    for event in events:
        state = advance(state, event, received_at=NOON + timedelta(days=1))
    return state


ADMIT = Admit(occurred_at=at(0), visit=visit("ED"), person=Person())
MOVE = Transfer(occurred_at=at(2), visit=visit("4W"), person=Person())
LEAVE = Discharge(occurred_at=at(8), visit=visit("4W"), person=Person())


def test_movements_in_any_order_end_in_the_same_place() -> None:
    for order in permutations([ADMIT, MOVE, LEAVE]):
        encounter = moved(*order).encounter
        assert encounter is not None
        assert (encounter.unit, encounter.status) == ("4W", "discharged")


@pytest.mark.parametrize(
    ("events", "unit", "status"),
    [
        ([ADMIT], "ED", "open"),
        ([ADMIT, MOVE], "4W", "open"),
        ([ADMIT, MOVE, Update(occurred_at=at(3), visit=visit("ICU"), person=Person())], "4W", "open"),
        ([ADMIT, Cancel(cancels="admit", occurred_at=at(1), visit=visit("ED"), person=Person())], "ED", "cancelled"),
        ([ADMIT, MOVE, LEAVE, Cancel(cancels="discharge", occurred_at=at(9), visit=visit("4W"), person=Person())], "4W", "open"),
        ([ADMIT, MOVE, Cancel(cancels="transfer", occurred_at=at(3), visit=visit("ED"), person=Person())], "ED", "open"),
        ([ADMIT, MOVE, LEAVE, Admit(occurred_at=at(30), visit=visit("6E", "V2"), person=Person())], "6E", "open"),
        ([ADMIT, MOVE, Discharge(occurred_at=at(4), visit=visit("ED", "V0"), person=Person())], "4W", "open"),
    ],
)
def test_where_a_patient_is(events: list[Admit | Transfer | Discharge | Update | Cancel], unit: str, status: str) -> None:
    encounter = moved(*events).encounter
    assert encounter is not None
    assert (encounter.unit, encounter.status) == (unit, status)
