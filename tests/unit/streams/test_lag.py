"""Whether a worker has recorded all that Kafka held a moment ago: only then is anybody woken whose bundle a waiting message may have completed."""

from types import SimpleNamespace

import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry

from infra.clock import Clock
from infra.metrics import Metrics
from streams.lag import Lag

ORU, ADT = TP("hl7.oru", 0), TP("hl7.adt", 0)


def message(offset: int, tp: TP = ORU) -> SimpleNamespace:
    return SimpleNamespace(topic=tp.topic, partition=tp.partition, tp=tp, offset=offset)


def lag(taken: int, done: int) -> Lag:
    """So many messages were taken from the reader, and so many of them are recorded."""
    one = Lag(Metrics(CollectorRegistry()), Clock())
    held = [message(offset) for offset in range(taken)]
    for each in held:
        one.taken(each)
    for each in held[:done]:
        one.done(each)
    return one


@pytest.mark.parametrize(
    ("taken", "done", "highs", "committed", "caught_up"),
    [
        (3, 3, {ORU: 3}, {}, True),
        (3, 2, {ORU: 3}, {}, False),
        (2, 2, {ORU: 3}, {}, False),
        (5, 4, {ORU: 3}, {}, True),
        (0, 0, {ORU: 0}, {}, True),
        (0, 0, {ORU: 7}, {}, False),
        (0, 0, {ORU: 7}, {ORU: 6}, False),
        (0, 0, {ORU: 7}, {ORU: 7}, True),
        (3, 3, {ORU: 3, ADT: None}, {}, False),
        (3, 3, {ORU: 3, ADT: 2}, {ADT: 2}, True),
    ],
)
def test_all_that_kafka_held_then_is_recorded_or_is_not(
    taken: int, done: int, highs: dict[TP, int | None], committed: dict[TP, int], caught_up: bool
) -> None:
    assert lag(taken, done).caught_up(highs, committed) is caught_up
