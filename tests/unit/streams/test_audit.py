"""What the audit calls a gap, as a table."""

import pytest

from streams.audit import Counts, audit
from streams.backlog import Range


def whole(count: int) -> Counts:
    return Counts(recorded=count, distinct=count, first=0, last=count - 1, stored=count) if count else Counts()


@pytest.mark.parametrize(
    ("low", "high", "reached", "counts", "kinds"),
    [
        (0, 5, 5, whole(5), []),
        (0, 9, 5, whole(5), []),
        (0, 0, 0, Counts(), []),
        (3, 5, 5, Counts(recorded=2, distinct=2, first=3, last=4, stored=2), []),
        (0, 5, 5, Counts(recorded=4, distinct=4, first=0, last=4), ["offsets_missing"]),
        (0, 5, 5, Counts(recorded=6, distinct=5, first=0, last=4), ["recorded_twice"]),
        (0, 5, 7, whole(7), ["kafka_lost_messages"]),
        (6, 9, 5, whole(5), ["retention_outran_the_worker"]),
        (0, 5, 5, whole(4), ["offsets_missing"]),
        (0, 5, 3, whole(4), ["progress_behind_rows"]),
        (0, 5, 3, Counts(), ["offsets_missing"]),
    ],
)
def test_each_kind_of_gap_is_told_and_a_backlog_is_none(low: int, high: int, reached: int, counts: Counts, kinds: list[str]) -> None:
    found = audit({("hl7.oru", 0): (low, high)}, {("hl7.oru", 0): reached}, {("hl7.oru", 0): counts})
    assert [gap.kind for gap in found.gaps] == kinds
    assert found.waiting == max(0, high - reached)


@pytest.mark.parametrize(
    ("reached", "counts", "aside", "kinds"),
    [
        (10, Counts(recorded=4, distinct=4, first=0, last=3), [(4, 10)], []),
        (10, Counts(recorded=6, distinct=6, first=0, last=9), [(4, 8)], []),
        (10, Counts(recorded=5, distinct=5, first=0, last=9), [(4, 8)], ["offsets_missing"]),
        (10, Counts(recorded=3, distinct=3, first=7, last=9), [(0, 7)], []),
        (10, Counts(), [(0, 10)], []),
        (10, Counts(recorded=4, distinct=4, first=0, last=8), [(2, 5), (6, 9)], []),
        (10, Counts(recorded=3, distinct=3, first=7, last=9), [(-3, 7)], ["retention_outran_the_worker"]),
        (10, Counts(recorded=2, distinct=2, first=7, last=9), [(-3, 7)], ["retention_outran_the_worker", "offsets_missing"]),
    ],
)
def test_what_was_put_aside_waits_and_is_no_gap(reached: int, counts: Counts, aside: list[tuple[int, int]], kinds: list[str]) -> None:
    place = ("hl7.oru", 0)
    ranges = [Range(topic="hl7.oru", partition=0, next_offset=one[0], until_offset=one[1]) for one in aside]
    found = audit({place: (0, 10)}, {place: reached}, {place: counts}, ranges)
    assert [gap.kind for gap in found.gaps] == kinds
    assert found.waiting == sum(until - at for at, until in aside) + 10 - reached


def test_sums_are_over_all_partitions() -> None:
    found = audit({("a", 0): (0, 2), ("a", 1): (0, 3)}, {("a", 0): 2, ("a", 1): 3}, {("a", 0): whole(2), ("a", 1): whole(3)})
    assert (found.in_kafka, found.recorded, found.stored, found.gaps) == (5, 5, 5, ())
