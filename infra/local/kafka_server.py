"""The local Kafka: each process a broker and a controller (KRaft), one or three of them; their topics, and a probe that produces."""

import base64
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """One of the cluster's processes. `node_id` counts from 1."""

    node_id: int
    port: int
    controller_port: int


def new_cluster_id() -> str:
    """A Kafka uuid: 16 bytes in URL-safe base64 without padding; never with a leading dash, which the format tool takes for an option."""
    while (name := base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")).startswith("-"):
        continue
    return name


def run(folder: Path, cluster_id: str, node_id: int, brokers: Sequence[Broker], settings: KafkaSettings) -> NoReturn:
    """Becomes one broker of the cluster. The folder is formatted on first use and kept afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "server.properties"
    config.write_text(_properties(folder / "data", node_id, brokers, settings))
    if not (folder / "data" / "meta.properties").exists():
        _format(config, cluster_id, alone=len(brokers) == 1)
    environment = dict(os.environ)
    java = _java()
    options = [f"-Xmx{settings.heap_mb}m", "-Xms64m", "-XX:+UseSerialGC" if settings.heap_mb <= 256 else "-XX:+UseG1GC", LEVELS]
    os.execve(java, [java, *options, "-cp", _classpath(), "kafka.Kafka", str(config)], environment)


def _format(config: Path, cluster_id: str, *, alone: bool) -> None:
    tool = [_java(), "-Xmx128m", LEVELS, "-cp", _classpath(), "kafka.tools.StorageTool", "format"]
    standalone = ["--standalone"] if alone else []
    subprocess.run([*tool, *standalone, "-t", cluster_id, "-c", str(config)], stdout=subprocess.DEVNULL, check=True)


def _properties(data: Path, node_id: int, brokers: Sequence[Broker], settings: KafkaSettings) -> str:
    """KRaft combined mode. A broker killed is fenced within the session timeout; 3 s brings it back soon (the default of 9 took 14 s)."""
    own = brokers[node_id - 1]
    values = {
        "process.roles": "broker,controller", "node.id": node_id, **_quorum(brokers),
        "listeners": f"PLAINTEXT://{HOST}:{own.port},CONTROLLER://{HOST}:{own.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{own.port}",
        "controller.listener.names": "CONTROLLER", "log.dirs": data, "num.partitions": settings.partitions, "auto.create.topics.enable": "false",
        "default.replication.factor": settings.replication, "min.insync.replicas": settings.min_insync,
        "offsets.topic.replication.factor": settings.replication, "transaction.state.log.replication.factor": settings.replication,
        "transaction.state.log.min.isr": settings.min_insync, "offsets.topic.num.partitions": 4, "transaction.state.log.num.partitions": 2,
        "share.coordinator.state.topic.replication.factor": settings.replication, "share.coordinator.state.topic.min.isr": settings.min_insync,
        "group.initial.rebalance.delay.ms": 0, "broker.session.timeout.ms": 3000, "broker.heartbeat.interval.ms": 500,
        "message.max.bytes": MAX_MESSAGE_BYTES, "replica.fetch.max.bytes": MAX_MESSAGE_BYTES, "log.retention.hours": 168,
        "log.segment.bytes": 268_435_456, "num.network.threads": 2, "num.io.threads": 2, "background.threads": 2,
        "log.cleaner.dedupe.buffer.size": 16_777_216, "replica.lag.time.max.ms": 10_000,
    }  # fmt: skip
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _quorum(brokers: Sequence[Broker]) -> dict[str, str]:
    """Several controllers are named one by one, so that a home whose ports had to change still finds its voters; one stands alone."""
    if len(brokers) == 1:
        return {"controller.quorum.bootstrap.servers": f"{HOST}:{brokers[0].controller_port}"}
    return {"controller.quorum.voters": ",".join(f"{one.node_id}@{HOST}:{one.controller_port}" for one in brokers)}


def ensure_topics(bootstrap: str, raw: Sequence[str], others: Sequence[str], settings: KafkaSettings) -> None:
    """Creates what is missing: the raw topics with equal partition counts, the others with the same for simplicity of scaling."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    durable = {"min.insync.replicas": str(settings.min_insync)}
    known = admin.list_topics(timeout=10)
    if len(known.brokers) < settings.replication:  # asked again until the last has joined
        raise KafkaException(KafkaError(KafkaError._NODE_UPDATE, "brokers are missing"))
    present = set(known.topics)
    wanted = [
        NewTopic(name, settings.partitions, settings.replication, config=durable | {"max.message.bytes": str(MAX_MESSAGE_BYTES)})
        for name in (*raw, *others)
        if name not in present
    ]
    wanted += (
        [NewTopic(HEALTH_TOPIC, 1, settings.replication, config=durable | {"retention.ms": "60000"})] if HEALTH_TOPIC not in present else []
    )
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
