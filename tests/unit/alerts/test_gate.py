"""A provider's circuit breaker and rate limit, on a clock of seconds."""

from alerts.gate import FAILURES, LONGEST_PROBE_S, PROBE_S, Gate


def broken(gate: Gate, at: float) -> Gate:
    for _ in range(FAILURES):
        gate.failed(at)
    return gate


def test_a_few_failures_are_noise_and_five_in_a_row_close_the_way() -> None:
    gate = Gate()
    for _ in range(FAILURES - 1):
        gate.failed(100.0)
    assert (gate.down, gate.room(100.0, 16)) == (False, 16)
    gate.failed(100.0)
    assert (gate.down, gate.room(100.0, 16), gate.failing_for(130.0)) == (True, 0, 30.0)


def test_success_in_between_begins_the_count_anew() -> None:
    gate = Gate()
    for _ in range(20):
        gate.failed(1.0)
        gate.worked()
    assert not gate.down


def test_one_page_at_a_time_tries_a_provider_that_is_down_and_the_first_that_works_opens_the_way() -> None:
    gate = broken(Gate(), 100.0)
    assert gate.room(100.0 + PROBE_S - 0.1, 16) == 0
    assert (gate.room(100.0 + PROBE_S, 16), gate.shut(100.0 + PROBE_S)) == (1, False)
    gate.sent(1, 100.0 + PROBE_S)
    assert gate.shut(100.0 + PROBE_S)
    assert gate.room(100.0 + PROBE_S, 16) == 0
    gate.worked()
    assert (gate.down, gate.room(100.0 + PROBE_S, 16)) == (False, 16)


def test_probes_in_vain_come_at_longer_intervals_up_to_a_minute() -> None:
    gate, at, waits = broken(Gate(), 100.0), 100.0, []
    for _ in range(8):
        begun = at
        while gate.room(at, 16) == 0:
            at += 1.0
        waits.append(at - begun)
        gate.sent(1, at)
        gate.failed(at)
    assert waits == [5.0, 10.0, 20.0, 40.0, LONGEST_PROBE_S, LONGEST_PROBE_S, LONGEST_PROBE_S, LONGEST_PROBE_S]


def test_answers_to_pages_that_were_already_out_do_not_put_the_probe_off() -> None:
    gate = broken(Gate(), 100.0)
    for _ in range(11):
        gate.failed(103.0)
    assert gate.room(100.0 + PROBE_S, 16) == 1


def test_no_minute_sees_more_pages_than_the_provider_takes() -> None:
    gate, sent = Gate(per_minute=120.0), list[float]()
    for tenth in range(3000):
        at = 50.0 + tenth / 10
        room = gate.room(at, 16)
        gate.sent(room, at)
        sent += [at] * room
    for start in range(50, 290):
        assert 110 <= sum(start <= at < start + 60 for at in sent) <= 132 + 1
