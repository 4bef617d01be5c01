"""The local Kafka: one process as broker and controller (KRaft), its topics, and a probe that produces."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from infra.local.places import KAFKA_JARS, NotInstalled, need_finished
from infra.local.ports import HOST
from infra.settings import KafkaSettings

MAX_MESSAGE_BYTES = 20 * 1024 * 1024
"""Above the listener's largest frame, so that whatever it takes Kafka takes."""

HEALTH_TOPIC = "vigil.health"

LEVELS = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise NotInstalled("Java 17 is not installed\ninstall it: apt-get install openjdk-17-jre-headless")
    return java


def _classpath() -> str:
    return str(need_finished(KAFKA_JARS, "Kafka")) + "/*"


def run(folder: Path, port: int, controller_port: int, settings: KafkaSettings) -> NoReturn:
    """Becomes the broker. The folder is formatted on first use and kept afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "server.properties"
    config.write_text(_properties(folder / "data", port, controller_port, settings))
    if not (folder / "data" / "meta.properties").exists():
        _format(config)
    environment = dict(os.environ)
    java = _java()
    options = [f"-Xmx{settings.heap_mb}m", "-Xms64m", "-XX:+UseSerialGC" if settings.heap_mb <= 256 else "-XX:+UseG1GC", LEVELS]
    os.execve(java, [java, *options, "-cp", _classpath(), "kafka.Kafka", str(config)], environment)


def _format(config: Path) -> None:
    tool = [_java(), "-Xmx128m", LEVELS, "-cp", _classpath(), "kafka.tools.StorageTool"]
    cluster = subprocess.run([*tool, "random-uuid"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1]
    subprocess.run([*tool, "format", "--standalone", "-t", cluster, "-c", str(config)], stdout=subprocess.DEVNULL, check=True)


def _properties(data: Path, port: int, controller_port: int, settings: KafkaSettings) -> str:
    """KRaft combined mode. A broker killed is fenced within the session timeout; 3 s brings it back soon (the default of 9 took 14 s)."""
    values = {
        "process.roles": "broker,controller", "node.id": 1, "controller.quorum.bootstrap.servers": f"{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}", "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.listener.names": "CONTROLLER", "log.dirs": data, "num.partitions": settings.partitions, "auto.create.topics.enable": "false",
        "default.replication.factor": settings.replication, "offsets.topic.replication.factor": settings.replication,
        "transaction.state.log.replication.factor": settings.replication, "transaction.state.log.min.isr": 1, "offsets.topic.num.partitions": 4,
        "transaction.state.log.num.partitions": 2, "share.coordinator.state.topic.replication.factor": 1, "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0, "broker.session.timeout.ms": 3000, "broker.heartbeat.interval.ms": 500,
        "message.max.bytes": MAX_MESSAGE_BYTES, "replica.fetch.max.bytes": MAX_MESSAGE_BYTES, "log.retention.hours": 168,
        "log.segment.bytes": 268_435_456, "num.network.threads": 2, "num.io.threads": 2, "background.threads": 2,
        "log.cleaner.dedupe.buffer.size": 16_777_216,
    }  # fmt: skip
    return "".join(f"{name}={value}\n" for name, value in values.items())


def ensure_topics(bootstrap: str, raw: Sequence[str], others: Sequence[str], settings: KafkaSettings) -> None:
    """Creates what is missing: the raw topics with equal partition counts, the others with the same for simplicity of scaling."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    present = set(admin.list_topics(timeout=10).topics)
    wanted = [
        NewTopic(name, settings.partitions, settings.replication, config={"max.message.bytes": str(MAX_MESSAGE_BYTES)})
        for name in (*raw, *others)
        if name not in present
    ]
    wanted += [NewTopic(HEALTH_TOPIC, 1, settings.replication, config={"retention.ms": "60000"})] if HEALTH_TOPIC not in present else []
    for future in (admin.create_topics(wanted) if wanted else {}).values():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def probe(bootstrap: str, timeout_s: float = 3.0) -> bool:
    """Whether a message can be produced and is confirmed by all in-sync replicas. Until the topics exist: whether the broker lists any."""
    try:
        if HEALTH_TOPIC not in AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=timeout_s).topics:
            return True
    except KafkaException:
        return False
    arrived: list[bool] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        arrived.append(error is None)

    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "message.timeout.ms": int(timeout_s * 1000), "log_level": 0})
    producer.produce(HEALTH_TOPIC, b"", on_delivery=delivered)
    producer.flush(timeout_s)
    return arrived == [True]
