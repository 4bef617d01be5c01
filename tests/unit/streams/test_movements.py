"""Where a patient was when, whatever order it was told in: as a table of stories, and for every order of them."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.events import Admit, Cancel, Cancelled, Discharge, Event, Location, MergeVisit, Observation, Person, Transfer, Update, Visit
from streams.movements import KEPT, Stay, fold
from streams.patient import PatientState, advance

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EMPTY = PatientState(patient_id="HOSP:1")


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def visit(unit: str | None, number: str | None = "V1", patient_class: str | None = "I") -> Visit:
    return Visit(encounter_id=number, patient_class=patient_class, location=Location(unit=unit, bed="1") if unit else None)


def admit(hours: float, unit: str | None = "ED", number: str | None = "V1") -> Admit:
    return Admit(occurred_at=at(hours), visit=visit(unit, number), person=Person())


def transfer(hours: float, unit: str, number: str | None = "V1") -> Transfer:
    return Transfer(occurred_at=at(hours), visit=visit(unit, number), person=Person())


def discharge(hours: float, number: str | None = "V1") -> Discharge:
    return Discharge(occurred_at=at(hours), visit=visit(None, number), person=Person())


def cancel(hours: float, cancels: Cancelled, unit: str | None = None, number: str | None = "V1") -> Cancel:
    return Cancel(cancels=cancels, occurred_at=at(hours), visit=visit(unit, number), person=Person())


def walk(events: list[Event], *, received: list[int] | None = None) -> PatientState:
    """Each event keeps the time it was received at, whatever the order it is taken in."""
    state = EMPTY
    for number, event in enumerate(events):
        hours = received[number] if received else number
        state = advance(state, event, received_at=at(100 + hours))
    return state


def places(state: PatientState) -> list[tuple[str | None, float, float | None]]:
    def hours(when: datetime) -> float:
        return (when - NOON).total_seconds() / 3600

    held: list[Stay] = [stay for stays in fold(state.movements).stays.values() for stay in stays]
    return [(stay.unit, hours(stay.since), None if stay.until is None else hours(stay.until)) for stay in held]


@pytest.mark.parametrize(
    ("events", "where"),
    [
        ([admit(0)], [("ED", 0, None)]),
        ([admit(0), transfer(2, "4W"), discharge(8)], [("ED", 0, 2), ("4W", 2, 8)]),
        ([admit(0), transfer(2, "4W"), cancel(3, "transfer")], [("ED", 0, None)]),
        ([admit(0), transfer(2, "4W"), cancel(3, "transfer", "ED")], [("ED", 0, None)]),
        ([admit(0), transfer(2, "4W"), transfer(4, "ICU"), cancel(5, "transfer")], [("ED", 0, 2), ("4W", 2, None)]),
        ([admit(0), transfer(2, "4W"), discharge(8), cancel(9, "discharge")], [("ED", 0, 2), ("4W", 2, None)]),
        ([admit(0), cancel(1, "admit")], [("ED", 0, 1)]),
        ([admit(0), transfer(1, "ED")], [("ED", 0, None)]),
        ([admit(0), discharge(3), admit(30, "6E", "V2")], [("ED", 0, 3), ("6E", 30, None)]),
        ([admit(0, "ED", "E1"), transfer(2, "4W", "V1"), MergeVisit(section="visit", occurred_at=at(3), from_encounter_id="E1", encounter_id="V1")],
         [("ED", 0, 2), ("4W", 2, None)]),
    ],
)  # fmt: skip
def test_where_a_patient_was_in_every_order_of_the_telling(
    events: list[Event], where: list[tuple[str | None, float, float | None]]
) -> None:
    whole = walk(events)
    assert places(whole) == where
    for order in permutations(range(len(events))):
        assert walk([events[n] for n in order], received=list(order)) == whole


EVENTS = st.lists(
    st.one_of(
        st.builds(admit, st.integers(0, 20), st.sampled_from(["ED", "4W"]), st.sampled_from(["V1", "V2", None])),
        st.builds(transfer, st.integers(0, 20), st.sampled_from(["4W", "6E", "ICU"]), st.sampled_from(["V1", "V2", None])),
        st.builds(discharge, st.integers(0, 20), st.sampled_from(["V1", "V2", None])),
        st.builds(
            cancel, st.integers(0, 20), st.sampled_from(["admit", "transfer", "discharge"]), st.sampled_from(["4W", None]), st.just("V1")
        ),
    ),
    max_size=12,
)


@given(events=EVENTS, seed=st.integers(0, 10**6))
def test_any_order_and_any_repetition_give_the_same_state(events: list[Event], seed: int) -> None:
    received = list(range(len(events)))
    order = [*received, *Random(seed).sample(received, len(received) // 2)]
    Random(seed).shuffle(order)
    assert walk([events[n] for n in order], received=order) == walk(events, received=received)


def heart_rate(hours: float) -> Observation:
    return Observation(
        code="8867-4", code_system="LN", value_num=72, value_text=None, comparator=None, unit="/min", observed_at=at(hours), status="final", set_id=None,
        sub_id=None,
    )  # fmt: skip


def test_a_visit_that_only_a_result_tells_of_is_open_and_gives_way_to_the_admission_that_comes_later() -> None:
    state = advance(EMPTY, heart_rate(1), received_at=at(1), visit=visit("4W", "V7"))
    assert state.encounter is not None
    assert (state.encounter.encounter_id, state.encounter.unit, state.encounter.located_at) == ("V7", "4W", None)
    later = advance(state, admit(0, "6E", "V7"), received_at=at(2))
    first = advance(advance(EMPTY, admit(0, "6E", "V7"), received_at=at(2)), heart_rate(1), received_at=at(1), visit=visit("4W", "V7"))
    assert later.encounter == first.encounter
    assert later.encounter is not None
    assert later.encounter.unit == "6E"


def test_a_result_of_an_older_visit_moves_nobody_out_of_the_present_one() -> None:
    state = walk([admit(0, "4W", "V2")])
    assert advance(state, heart_rate(1), received_at=at(200), visit=visit("ED", "V0")).encounter == state.encounter


def test_an_update_changes_the_class_and_moves_nobody() -> None:
    update = Update(occurred_at=at(3), visit=visit("ICU", "V1", "E"), person=Person())
    for events in ([admit(0), update], [update, admit(0)]):
        encounter = walk(events).encounter
        assert encounter is not None
        assert (encounter.unit, encounter.patient_class) == ("ED", "E")


def test_what_is_held_is_bounded() -> None:
    state = walk([admit(0), *(transfer(n, f"U{n}") for n in range(1, 200)), *(update_of(n) for n in range(200))])
    assert len(state.movements) <= KEPT


def update_of(hours: float) -> Update:
    return Update(occurred_at=at(hours), visit=visit(None), person=Person())
