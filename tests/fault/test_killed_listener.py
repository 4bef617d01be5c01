"""Faults 1 and 2: the listener is killed while senders wait for their acknowledgements."""

import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from streams import topics
from streams.beginnings import offsets
from tests.fault.conftest import Try
from tests.fault.doses import dose
from tests.fault.hospital import Hospital
from tests.installations import eventually

pytestmark = pytest.mark.xdist_group("faults")


@dose(brief=2, full=25)
def test_killed_before_the_ack(hospital: Hospital, trial: Try, times: int) -> None:
    """Once with a broker that confirms nothing, so that every message is taken in and none acknowledged; then at random instants."""
    with trial(hospital, 1, "listener killed before the ACK") as run:
        frozen = hospital.freeze("kafka")
        run.traffic.silent()
        hospital.kill("listen")
        run.strike()
        hospital.thaw(frozen)
        run.traffic.flows()
        for _ in range(times - 1):
            time.sleep(run.chance.uniform(0.0, 1.0))
            hospital.kill("listen")
            run.strike()
            run.traffic.flows(20)
    assert run.line.passed


@dose(brief=1, full=10)
def test_killed_after_the_broker_has_it_and_before_the_ack(hospital: Hospital, trial: Try, times: int) -> None:
    """The broker stands still until a message of every sender lies in its sockets, then takes them in while the listener stands still."""
    with trial(hospital, 2, "listener killed after the broker has it") as run:
        for _ in range(times):
            broker = hospital.freeze("kafka")
            run.traffic.silent(0.7)
            hospital.freeze("listen")
            waiting = set(run.traffic.waiting())
            hospital.thaw(broker)
            eventually(lambda waiting=waiting: waiting & on_kafka(hospital) != set())
            assert set(run.traffic.waiting()) == waiting
            hospital.kill("listen")
            run.strike()
            run.traffic.flows()
    assert sum(row[1] == "duplicate" for row in run.found.messages) >= times


def on_kafka(hospital: Hospital, last: int = 50) -> set[str]:
    """The control ids of the last messages of every raw partition."""
    ends = offsets(hospital.settings.kafka.bootstrap)
    consumer = Consumer(
        {"bootstrap.servers": hospital.settings.kafka.bootstrap, "group.id": "faults", "enable.auto.commit": False, "log_level": 0}
    )
    try:
        consumer.assign([TopicPartition(topic, partition, max(low, high - last)) for (topic, partition), (low, high) in ends.items()])
        found = set()
        while messages := consumer.consume(500, 0.5):
            headers = [dict(message.headers() or {}) for message in messages]
            found |= {str(one.get(topics.CONTROL_ID) or b"", "utf-8") for one in headers}
        return found
    finally:
        consumer.close()
