"""What ops are told, as a table: one look a row, with what is wrong in it."""

from dataclasses import replace

import pytest

from streams.backlog import Range
from streams.watch import Checked, Limits, Sample, problems, verified

PLACE = ("hl7.oru", 0)
LIMITS = Limits(late_s=60, silent_s=900, quarantine_s=3600)


def whole(verified: int, reached: int) -> Checked:
    return Checked(verified=verified, reached=reached, rows=reached - verified, distinct=reached - verified)


GOOD = Sample(
    checked={PLACE: whole(0, 10)}, lows={PLACE: 0}, in_kafka=12, acked={"listen": 12.0}, silence_s={"main": 3.0}, oldest_unprocessed_s=0.4
)
ASIDE = Range(topic="hl7.oru", partition=0, next_offset=4, until_offset=8)


@pytest.mark.parametrize(
    ("sample", "kinds"),
    [
        (GOOD, []),
        (Sample(), []),
        (replace(GOOD, checked={PLACE: Checked(verified=0, reached=10, rows=9, distinct=9)}), ["gap"]),
        (replace(GOOD, checked={PLACE: Checked(verified=0, reached=10, rows=11, distinct=10)}), ["gap"]),
        (replace(GOOD, checked={PLACE: Checked(verified=0, reached=10, rows=6, distinct=6)}, put_aside=[ASIDE]), []),
        (replace(GOOD, checked={PLACE: Checked(verified=0, reached=10, rows=5, distinct=5)}, put_aside=[ASIDE]), ["gap"]),
        (replace(GOOD, lows={PLACE: 11}), ["gap"]),
        (replace(GOOD, lows={PLACE: 5}, checked={PLACE: Checked(verified=0, reached=10, rows=6, distinct=6)}, put_aside=[ASIDE]), ["gap"]),
        (replace(GOOD, oldest_unprocessed_s=60.0), []),
        (replace(GOOD, oldest_unprocessed_s=60.1), ["late"]),
        (replace(GOOD, silence_s={"main": 901.0, "lab": 2.0}), ["silent"]),
        (replace(GOOD, oldest_quarantined_s=3601.0), ["quarantine"]),
        (replace(GOOD, away=["kafka", "page"]), ["away", "away"]),
    ],
)
def test_each_look_is_judged(sample: Sample, kinds: list[str]) -> None:
    assert [one.kind for one in problems([], sample, LIMITS)] == kinds


def test_a_limit_of_nothing_switches_it_off() -> None:
    late = replace(GOOD, oldest_unprocessed_s=1e6, silence_s={"main": 1e6}, oldest_quarantined_s=1e6)
    assert problems([], late, Limits(late_s=0, silent_s=0, quarantine_s=0)) == []


@pytest.mark.parametrize(
    ("acked", "in_kafka", "kinds"),
    [
        ([10, 20, 30], [10, 20, 30], []),
        ([10, 20, 31], [10, 20, 30], []),  # one more was on its way at the first look
        ([10, 20, 45], [10, 20, 30], ["unaccounted"]),
        ([10, 20, 3], [10, 20, 23], []),  # the listener was started anew
        ([10, 20, 20], [10, 25, 60], []),  # messages that were sent again, and those of other producers
    ],
)
def test_every_acknowledgement_is_accounted_for_on_kafka(acked: list[float], in_kafka: list[int], kinds: list[str]) -> None:
    looks = [Sample(acked={"listen": count}, in_kafka=written) for count, written in zip(acked, in_kafka, strict=True)]
    assert [one.kind for one in problems(looks[:2], looks[2], LIMITS)] == kinds


def test_only_what_is_whole_and_has_no_backlog_need_not_be_counted_again() -> None:
    assert verified(GOOD, {}) == {PLACE: 10}
    assert verified(replace(GOOD, put_aside=[ASIDE]), {PLACE: 2}) == {PLACE: 2}
    assert verified(replace(GOOD, checked={PLACE: Checked(verified=0, reached=10, rows=9, distinct=9)}), {}) == {}
