"""The simulated ward: the same for a seed, readable to the last message, and as ill as it is meant to be."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise

import msgspec
import pytest

from parsers.events import Admit, Cancel, Discharge, Merge, Note, Observation, Order, Team, Transfer, Update
from parsers.message import Message
from parsers.read import read
from scoring.published.inputs import Inputs
from scoring.published.news2 import news2
from streams.ward.schedule import Sent
from streams.ward.ward import URGENT, Ward, ward

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
NEWS2_INPUTS: Mapping[str, str] = {
    "8867-4": "hr_per_min", "9279-1": "rr_per_min", "59408-5": "spo2_pct", "8480-6": "sbp_mmhg", "8310-5": "temp_c",
}  # fmt: skip
SEEDS = (1, 2, 3)


def until(hours: float, seed: int, beds: int = 24) -> Iterator[Sent]:
    for sent in ward(seed, beds, START):
        if sent.at > START + timedelta(hours=hours):
            return
        yield sent


@cache
def one_day(seed: int) -> tuple[tuple[Sent, Message], ...]:
    return tuple((sent, read(sent.raw)) for sent in until(24, seed))


@cache
def big_ward() -> tuple[tuple[Sent, Message], ...]:
    """Four days of a hundred beds, for what is rare."""
    return tuple((sent, read(sent.raw)) for sent in until(96, seed=7, beds=100))


def results(messages: tuple[tuple[Sent, Message], ...]) -> list[tuple[Sent, Message, Observation]]:
    return [(sent, message, event) for sent, message in messages for event in message.events if isinstance(event, Observation)]


def news2_of(message: Message) -> int | None:
    """The score of a full round; None of a message that is none."""
    found: dict[str, object] = {}
    for event in message.events:
        if not isinstance(event, Observation) or event.canonical is None:
            continue
        match event.canonical.code:
            case "3151-8":
                found["on_oxygen"] = bool(event.canonical.value_num)
            case "67775-7":
                found["consciousness"] = event.canonical.value_text
            case code if code in NEWS2_INPUTS:
                found[NEWS2_INPUTS[code]] = event.canonical.value_num
    complete = len(found) == len(NEWS2_INPUTS) + 2
    return news2(msgspec.convert(found, Inputs)).total if complete else None


def test_the_same_seed_and_start_give_the_same_bytes() -> None:
    assert list(islice(ward(5, 24, START), 400)) == list(islice(ward(5, 24, START), 400))


def test_another_seed_gives_another_ward() -> None:
    assert list(islice(ward(5, 24, START), 50)) != list(islice(ward(6, 24, START), 50))


def test_wards_of_two_seeds_share_no_patient_no_visit_and_no_control_id() -> None:
    def names(seed: int) -> set[str]:
        found: set[str] = set()
        for _, message in one_day(seed):
            assert message.control_id is not None
            assert message.patient is not None
            found |= {message.control_id, message.patient.key}
            if message.visit is not None and message.visit.encounter_id is not None:
                found.add(message.visit.encounter_id)
        return found

    assert names(1).isdisjoint(names(2))


@pytest.mark.parametrize("seed", SEEDS)
def test_messages_come_in_the_order_of_their_sending(seed: int) -> None:
    times = [sent.at for sent, _ in one_day(seed)]
    assert times == sorted(times)
    assert times[0] >= START


@pytest.mark.parametrize("seed", SEEDS)
def test_every_message_is_read_whole_and_taken(seed: int) -> None:
    for _, message in one_day(seed):
        assert message.ack == "AA", message.reason
        assert message.segments_set_aside == ()
        assert message.events
        assert message.patient is not None
        assert message.patient.authority == "SIM"


def test_every_value_is_understood_and_none_is_impossible() -> None:
    for _, _, one in results(big_ward()):
        assert one.canonical is not None
        assert one.flags == ()
        assert one.result_key is not None


def test_a_ward_sends_every_kind_of_message_and_event() -> None:
    types = {message.type for _, message in big_ward()}
    assert types == {
        "ADT^A01", "ADT^A02", "ADT^A03", "ADT^A04", "ADT^A08", "ADT^A11", "ADT^A13", "ADT^A40", "ORU^R01", "OML^O21", "ORM^O01", "MDM^T02",
    }  # fmt: skip
    kinds = {type(event) for _, message in big_ward() for event in message.events}
    assert kinds == {Admit, Transfer, Discharge, Update, Cancel, Merge, Observation, Order, Note, Team}


def test_every_bed_is_filled_within_the_first_minutes_and_its_patient_known() -> None:
    admitted: set[str] = set()
    measured: Counter[str] = Counter()
    for sent in until(0.05, seed=1):
        message = read(sent.raw)
        assert message.patient is not None
        if message.type == "ADT^A01":
            assert message.visit is not None
            assert message.visit.attending is not None
            admitted.add(message.patient.key)
        elif message.type == "ORU^R01":
            measured[message.patient.key] += 1
    assert len(admitted) == 24
    assert set(measured) == admitted
    assert sum(count >= 3 for count in measured.values()) >= 22


def test_nobody_shares_a_bed_of_the_ward() -> None:
    lying: dict[tuple[str | None, str | None, str | None], str] = {}
    taken_back = {message.patient.key for _, message in big_ward() if message.type == "ADT^A11" and message.patient}
    for _, message in big_ward():
        if message.patient is None or message.visit is None or message.visit.location is None or message.patient.key in taken_back:
            continue
        where = message.visit.location
        place = (where.unit, where.room, where.bed)
        for event in message.events:
            if isinstance(event, Admit | Transfer) and where.unit not in ("ED", "ICU"):
                assert lying.setdefault(place, message.patient.key) == message.patient.key
            if isinstance(event, Discharge | Transfer):
                for old in [
                    bed for bed, who in lying.items() if who == message.patient.key and (isinstance(event, Discharge) or bed != place)
                ]:
                    del lying[old]
    assert lying


@pytest.mark.parametrize("seed", range(1, 9))
def test_somebody_is_clearly_deteriorating_within_an_hour_and_a_half(seed: int) -> None:
    totals = {news2_of(read(sent.raw)) for sent in until(1.75, seed)}
    assert any(total is not None and total >= 7 for total in totals)


def by_course(hours: float, seed: int) -> dict[str, list[list[int]]]:
    """NEWS2 of every round by the course of the patients who are there at the beginning, a list a patient."""
    simulated = Ward(seed, 24, START)
    courses = {patient.stay.visit: patient.body.course for patient in simulated.first}
    rounds: dict[str, list[int]] = defaultdict(list)
    for sent in simulated.messages():
        if sent.at > START + timedelta(hours=hours):
            break
        message = read(sent.raw)
        total = news2_of(message)
        if total is not None and message.visit is not None and message.visit.encounter_id in courses:
            rounds[message.visit.encounter_id].append(total)
    grouped: dict[str, list[list[int]]] = defaultdict(list)
    for visit, totals in rounds.items():
        grouped[courses[visit]].append(totals)
    return grouped


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_stable_are_well_and_the_two_who_fall_ill_reach_7(seed: int) -> None:
    courses = by_course(12, seed)
    stable = [total for totals in courses["stable"] for total in totals]
    assert max(stable) <= 4
    assert sum(total <= 2 for total in stable) >= 0.95 * len(stable)
    assert len(courses["stable"]) > 24 / 2
    ill = [totals for course in ("sepsis", "respiratory", "haemorrhage") for totals in courses[course]]
    assert sum(max(totals) >= 7 for totals in ill) >= URGENT


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_recovering_get_better(seed: int) -> None:
    for totals in by_course(24, seed)["recovering"]:
        assert max(totals[-2:]) <= max(3, *totals[:2])


def test_duplicates_are_byte_identical_and_about_one_in_a_hundred() -> None:
    copies = Counter(sent.raw for sent, _ in big_ward())
    share = sum(count - 1 for count in copies.values()) / len(copies)
    assert 0.005 < share < 0.02
    assert len({message.control_id for _, message in big_ward()}) == len(copies)


def test_some_rounds_come_hours_late() -> None:
    rounds = {sent.raw: sent.at - one.observed_at for sent, _, one in results(big_ward()) if one.code == "8867-4" and one.observed_at}
    after_start = [delay for delay in rounds.values() if delay < timedelta(hours=6)]
    late = sum(delay > timedelta(minutes=85) for delay in after_start) / len(after_start)
    assert 0.02 < late < 0.07


def test_corrections_replace_a_number_that_was_sent_before() -> None:
    first_sent: dict[str, float | None] = {}
    corrected = 0
    for _, _, one in results(tuple(sorted(big_ward(), key=lambda pair: pair[1].sent_at or START))):
        assert one.result_key is not None
        if one.status == "corrected":
            corrected += 1
            assert one.note is not None
            assert one.result_key in first_sent
            assert first_sent[one.result_key] != one.value_num
        else:
            first_sent[one.result_key] = one.value_num
    reports = sum(message.type == "ORU^R01" for _, message in big_ward())
    assert 0.01 < corrected / reports < 0.03


def test_preliminary_results_become_final_under_the_same_order() -> None:
    seen: dict[str, list[str]] = defaultdict(list)
    for _, _, one in results(big_ward()):
        if one.result_key is not None:
            seen[one.result_key].append(one.status)
    preliminary = [statuses for statuses in seen.values() if "preliminary" in statuses]
    assert preliminary
    assert sum("final" in statuses for statuses in preliminary) >= 0.9 * len(preliminary)


def test_a_few_results_arrive_out_of_order() -> None:
    numbers = [int((message.sent_at or START).timestamp()) for _, message in big_ward() if message.type == "ORU^R01"]
    backwards = sum(later < earlier for earlier, later in pairwise(numbers))
    assert 0 < backwards < 0.1 * len(numbers)


def test_the_dead_are_told_and_measured_no_more() -> None:
    died: dict[str, datetime] = {}
    for _, message in big_ward():
        if message.person and message.person.died_at and message.patient:
            died.setdefault(message.patient.key, message.person.died_at)
    assert died
    for _, message, one in results(big_ward()):
        assert message.patient is not None
        if message.patient.key in died and one.observed_at is not None:
            assert one.observed_at <= died[message.patient.key]


def test_notes_are_read_back_with_their_delimiters() -> None:
    texts = {event.text for _, message in big_ward() for event in message.events if isinstance(event, Note)}
    assert any("&" in text for text in texts)
    assert not any("\\" in text for text in texts)
