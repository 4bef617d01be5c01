"""Moments that time makes: the same ones, under the same names, whether the clock was looked at in between or a message found them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.patient import PatientState
from streams.processing import Moment
from streams.record import Source
from streams.wakes import LATE, TOPIC, Wake, interleaved, woken

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def each_hour(patient: PatientState, at: datetime) -> datetime | None:
    """A score that changes at every full hour for three hours after the patient was heard of."""
    heard = patient.heard_at or NOON
    following = NOON + (((at - NOON) // HOUR) + 1) * HOUR
    return following if following <= heard + 3 * HOUR else None


def message(number: int, minutes: float) -> Moment:
    state = PatientState(patient_id="HOSP:1", heard_at=after(minutes))
    return Moment(
        source=Source(topic="hl7.oru", partition=0, offset=number), patient=state, received_at=after(minutes), changed=frozenset()
    )


def test_a_message_comes_after_what_time_made_before_it() -> None:
    planned = interleaved([message(0, 30), message(1, 150), message(2, 240)], {}, each_hour)
    told = [(one.source.topic, (one.received_at - NOON) / HOUR) for one in planned.moments]
    assert told == [("hl7.oru", 0.5), (TOPIC, 1), (TOPIC, 2), ("hl7.oru", 2.5), (TOPIC, 3), (TOPIC, 4), ("hl7.oru", 4)]
    assert planned.next == {"HOSP:1": after(300)}


def test_a_message_of_the_very_instant_comes_after_what_time_made_at_it() -> None:
    found = woken(PatientState(patient_id="HOSP:1", heard_at=NOON), Wake(due_at=after(60)), 0, after(60), each_hour)
    planned = interleaved([message(0, 0), message(1, 60)], {}, each_hour)
    assert [one.source for one in planned.moments][1:-1] == [one.source for one in found.moments]


def test_a_wake_that_holds_no_longer_makes_nothing_and_the_next_is_kept() -> None:
    state = PatientState(patient_id="HOSP:1", heard_at=NOON)
    planned = woken(state, Wake(due_at=after(30)), 0, after(31), each_hour)
    assert (planned.moments, planned.next) == ([], {"HOSP:1": after(60)})


def test_who_is_to_be_scored_anew_is_scored_on_everything_at_that_instant() -> None:
    state = PatientState(patient_id="HOSP:1", heard_at=NOON, readings={"8867-4": ()})
    [moment] = woken(state, Wake(due_at=after(30), anew=True), 0, after(31), each_hour).moments
    assert (moment.received_at, moment.changed) == (after(30), {"8867-4"})


def test_after_an_outage_what_passed_is_told_and_only_the_present_is_decided_upon() -> None:
    state = PatientState(patient_id="HOSP:1", heard_at=NOON)
    now = after(130)
    planned = woken(state, Wake(due_at=after(60)), 0, now, each_hour)
    assert [(one.received_at - NOON) / HOUR for one in planned.moments[:2]] == [1, 2]
    assert [one.received_at for one in planned.decided(now)] == [now]
    in_time = woken(state, Wake(due_at=after(60)), 0, after(60) + LATE, each_hour)
    assert [one.received_at for one in in_time.decided(after(60) + LATE)] == [after(60)]


@given(
    messages=st.lists(st.integers(0, 900), min_size=1, max_size=8, unique=True).map(sorted),
    looks=st.lists(st.integers(0, 900), max_size=12).map(sorted),
    cuts=st.sets(st.integers(0, 7)),
)
def test_the_same_moments_whoever_looks_when_and_however_messages_are_batched(
    messages: list[int], looks: list[int], cuts: set[int]
) -> None:
    """`looks`: when a worker looks at the clock, never at a full hour; `cuts`: where batches end."""
    at_clock = [after(look + 0.25) for look in looks]
    whole = [message(number, minutes + 0.5) for number, minutes in enumerate(messages)]
    expected = [one.source for one in interleaved(whole, {}, each_hour).moments]
    made: list[Moment] = []
    kept: tuple[PatientState, Wake] | None = None
    batch: list[Moment] = []
    for number, moment in enumerate(whole):
        batch.append(moment)
        if number in cuts or number == len(whole) - 1:
            planned = interleaved(batch, {} if kept is None else {"HOSP:1": kept}, each_hour)
            made, batch = made + planned.moments, []
            due = planned.next["HOSP:1"]
            kept = None if due is None else (moment.patient, Wake(due_at=due))
            following = whole[number + 1].received_at if number + 1 < len(whole) else None
            for look in at_clock:
                if kept is not None and kept[1].due_at <= look and (following is None or look < following):
                    found = woken(kept[0], kept[1], 0, look, each_hour)
                    made += [one for one in found.moments if not (one.received_at - NOON) % HOUR]  # without the one as of now
                    due = found.next["HOSP:1"]
                    kept = None if due is None else (kept[0], Wake(due_at=due))
    assert [one.source for one in made if one.received_at <= whole[-1].received_at] == expected
