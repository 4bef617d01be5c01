"""The listener while Kafka, or the listener itself, stops in the middle: an answer means recorded, and what was not recorded is not answered."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from infra.local import kafka_server
from infra.local.ports import choose
from infra.settings import KafkaSettings, ListenSettings
from parsers.mllp import encode
from streams import topics
from streams.producer import ConfirmingProducer
from streams.sender import MllpSender, NotAnswered, answer_of, send_all
from tests.hl7 import WELL, oru
from tests.listening import NOW, listening, process, run, settled, until

pytestmark = pytest.mark.xdist_group("own-kafka")


class Broker:
    """A Kafka of our own, to be stopped and killed."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._ports = choose(home / "ports.json", ["kafka", "controller"])
        self.bootstrap = f"127.0.0.1:{self._ports['kafka']}"
        self._settings = KafkaSettings(heap_mb=256)
        self._cluster_id = kafka_server.new_cluster_id()

    def start(self) -> None:
        code = (
            "from pathlib import Path; from infra.local import kafka_server as kafka; from infra.settings import KafkaSettings;"
            f"own = kafka.Broker(node_id=1, port={self._ports['kafka']}, controller_port={self._ports['controller']});"
            f"kafka.run(Path({str(self._home / 'kafka')!r}), {self._cluster_id!r}, 1, [own], KafkaSettings(heap_mb=256))"
        )
        self._process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not kafka_server.probe(self.bootstrap, 1.0):
            assert time.monotonic() < deadline, "the broker did not start"
        kafka_server.ensure_topics(self.bootstrap, topics.RAW, (), self._settings)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        if number == signal.SIGKILL:
            self._process.wait()

    def take_no_more_than(self, topic: str, size: int) -> None:
        entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for done in admin.incremental_alter_configs([resource]).values():
            done.result()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    one = Broker(tmp_path_factory.mktemp("broker"))
    one.start()
    yield one
    one.signal(signal.SIGKILL)


def test_while_the_broker_stands_still_nothing_is_answered_and_when_it_goes_on_all_is(broker: Broker) -> None:
    async def story() -> None:
        async with listening(broker.bootstrap) as port:
            sender = MllpSender()
            await sender.connect("127.0.0.1", port)
            assert answer_of(await sender.send(oru("80", NOW, WELL))) == "AA"
            broker.signal(signal.SIGSTOP)
            try:
                waiting = asyncio.create_task(sender.send(oru("80", NOW, WELL, control_id="STILL")))
                done, _ = await asyncio.wait([waiting], timeout=2.0)
                assert not done
            finally:
                broker.signal(signal.SIGCONT)
            assert answer_of(await waiting) == "AA"
            await sender.close()

    run(story)
    assert set(settled(broker.bootstrap, {"STILL"})) == {"STILL"}


def test_a_message_that_a_killed_broker_did_not_take_is_not_answered_and_is_taken_when_sent_again(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.producer.DELIVERY_S", 3)

    async def story() -> None:
        async with listening(broker.bootstrap) as port:
            sender = MllpSender()
            await sender.connect("127.0.0.1", port)
            assert answer_of(await sender.send(oru("81", NOW, WELL))) == "AA"
            broker.signal(signal.SIGKILL)
            with pytest.raises(NotAnswered, match="closed the connection"):
                await sender.send(oru("81", NOW, WELL, control_id="AGAIN"))
            await sender.close()
            await asyncio.to_thread(broker.start)
            report = await send_all([oru("81", NOW, WELL, control_id="AGAIN")], host="127.0.0.1", port=port)
            assert (report.aa, report.no_ack) == (1, 0)

    run(story)
    assert set(settled(broker.bootstrap, {"AGAIN"})) == {"AGAIN"}


def test_what_the_broker_finds_too_large_is_refused_and_its_beginning_kept(broker: Broker) -> None:
    broker.take_no_more_than(topics.MDM, 50_000)
    large = oru("82", NOW, WELL, control_id="LARGE").replace(b"ORU^R01^ORU_R01", b"MDM^T02^MDM_T02") + b"NTE|1||" + b"x" * 100_000

    async def story() -> None:
        async with listening(broker.bootstrap) as port:
            sender = MllpSender()
            await sender.connect("127.0.0.1", port)
            answer = await sender.send(large)
            assert answer_of(answer) == "AR"
            assert b"larger than Kafka here allows" in answer
            assert answer_of(await sender.send(oru("82", NOW, WELL))) == "AA"
            await sender.close()

    run(story)
    kept = settled(broker.bootstrap, {"LARGE"})["LARGE"]
    assert kept["reason"].startswith("207: ")
    assert large.decode().startswith(kept["value"])


def test_more_than_may_wait_for_a_broker_is_not_read(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.producer.UNCONFIRMED_BYTES", 200_000)
    messages = [oru(str(n), NOW, WELL, control_id=f"WAIT{n}") + b"NTE|1||" + b"x" * 50_000 for n in range(40)]

    async def story() -> None:
        async with listening(broker.bootstrap) as port:
            broker.signal(signal.SIGSTOP)
            try:
                sending = asyncio.create_task(send_all(messages, host="127.0.0.1", port=port, connections=40))
                await asyncio.sleep(1.5)
                assert not sending.done()
            finally:
                broker.signal(signal.SIGCONT)
            assert (await sending).aa == 40

    run(story)


def test_a_producer_that_cannot_go_on_says_so() -> None:
    async def story() -> None:
        producer = ConfirmingProducer(KafkaSettings(bootstrap="127.0.0.1:1"), ListenSettings(), asyncio.get_running_loop())
        producer._on_error(KafkaError(KafkaError._TRANSPORT, "away"))
        assert not producer.failed.is_set()
        producer._on_error(KafkaError(KafkaError._FATAL, "out of sequence", fatal=True))
        await asyncio.wait_for(producer.failed.wait(), 5)
        await producer.close(0.1)

    run(story)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_listener_that_is_ended_under_load_has_stored_all_it_acknowledged(
    kafka_bootstrap: str, tmp_path: Path, number: signal.Signals
) -> None:
    tag, acknowledged = f"E{number.value}", list[str]()

    async def client(port: int, lane: int) -> None:
        sender = MllpSender(answer_s=10.0)
        await sender.connect("127.0.0.1", port)
        for turn in range(10_000):
            name = f"{tag}-{lane}-{turn}"
            try:
                if answer_of(await sender.send(oru(str(lane), NOW, WELL, control_id=name))) == "AA":
                    acknowledged.append(name)
            except NotAnswered:
                break
        await sender.close()

    async def story() -> None:
        with process(tmp_path, kafka_bootstrap) as (listener, port):
            clients = asyncio.gather(*(client(port, lane) for lane in range(16)))
            await until(lambda: len(acknowledged) >= 300)
            os.kill(listener.pid, number)
            await clients
            assert listener.wait(30) == (0 if number == signal.SIGTERM else -signal.SIGKILL)

    run(story)
    assert set(settled(kafka_bootstrap, set(acknowledged))) == set(acknowledged)


def test_what_was_read_before_the_end_is_still_answered(kafka_bootstrap: str, tmp_path: Path) -> None:
    """A hundred messages on their way when the listener is told to stop: each that is on Kafka was answered, in order, before the line closed."""
    names = [f"STOP{n}" for n in range(100)]

    async def story() -> list[str]:
        with process(tmp_path, kafka_bootstrap) as (listener, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"".join(encode(oru("83", NOW, WELL, control_id=name)) for name in names))
            first = await reader.readuntil(b"\x1c\r")
            listener.terminate()
            answers = first + await reader.read()
            writer.close()
            assert listener.wait(30) == 0
        return [name for name in names if f"MSA|AA|{name}\r".encode() in answers]

    answered = asyncio.run(asyncio.wait_for(story(), 60))
    assert answered == names[: len(answered)]
    assert set(settled(kafka_bootstrap, set(names), within_s=5.0)) == set(answered)
