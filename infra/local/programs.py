"""Which programs make up an installation, and the order in which they stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra.local.places import vigil


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One supervised process. `stops`: lower stops first. `port`: one that answers when it is ready; `kind` says how it is asked.

    `stop_signal`: PostgreSQL takes TERM for a wish to wait until every client has left, and INT for an orderly end now.
    """

    name: str
    command: Sequence[str]
    stops: int
    kind: str
    port: int = 0
    stop_s: int = 20
    stop_signal: str = "TERM"
    environment: Mapping[str, str] = field(default_factory=dict)


def programs(
    home: str, ports: Mapping[str, int], *, brokers: int, workers: int, pagers: int, demo: bool, beds: int, local_database: bool
) -> list[Program]:
    """All of them. The worker and the pager are told their own names and ports; everything else lies in the settings."""
    own = [*vigil()]
    found = [
        Program(name="triton", command=[*own, "triton", "--home", home], stops=8, kind="triton"),
        Program(name="listen", command=[*own, "listen", "--home", home], stops=2, kind="http", port=ports["listen_metrics"]),
        Program(name="watch", command=[*own, "watch", "--home", home], stops=2, kind="http", port=ports["watch_metrics"], stop_s=5),
        Program(name="board", command=[*own, "board", "--home", home], stops=5, kind="http", port=ports["board"], stop_s=5),
    ]
    if local_database:
        found.append(
            Program(name="postgres", command=[*own, "postgres", "--home", home], stops=9, kind="postgres", stop_s=30, stop_signal="INT")
        )
    for number, name in enumerate(numbered("kafka", brokers), 1):
        command = [*own, "kafka", "--home", home, "--node", str(number)]
        found.append(Program(name=name, command=command, stops=9, kind="kafka", port=ports[name], stop_s=30))
    for name in numbered("work", workers):
        port = ports[f"{name}_metrics"]
        found.append(
            Program(name=name, command=[*own, "work", "--home", home, "--instance", name, "--metrics-port", str(port)], stops=3, kind="worker", port=port)
        )  # fmt: skip
    for name in numbered("page", pagers):
        port = ports[f"{name}_metrics"]
        found.append(
            Program(name=name, command=[*own, "page", "--home", home, "--metrics-port", str(port)], stops=4, kind="http", port=port)
        )
    if demo:
        catch = ["--snpp-port", str(ports["catch_snpp"]), "--smtp-port", str(ports["catch_smtp"]), "--http-port", str(ports["catch_http"])]
        found.append(
            Program(
                name="catcher", command=[*own, "catch", "--home", home, *catch], stops=6, kind="tcp", port=ports["catch_snpp"], stop_s=5
            )
        )
        found.append(
            Program(name="ward", command=[*own, "simulate", "--home", home, "--beds", str(beds)], stops=1, kind="running", stop_s=5)
        )
    return sorted(found, key=lambda one: -one.stops)


def numbered(name: str, count: int) -> list[str]:
    """`work`, `work-2`, `work-3` …"""
    return [name if number == 1 else f"{name}-{number}" for number in range(1, count + 1)]


def port_names(workers: int, pagers: int, feeds: int = 1, brokers: int = 1) -> list[str]:
    """Every port an installation may need, in a fixed order; further feeds and brokers come last."""
    return [
        "mllp", "board", "kafka", "kafka_controller", "postgres", "triton_grpc", "triton_http", "triton_metrics", "listen_metrics",
        *(f"{name}_metrics" for name in (*numbered("work", workers), *numbered("page", pagers))), "catch_snpp", "catch_smtp", "catch_http",
        *numbered("mllp", feeds)[1:], "watch_metrics", *(name for kind in ("kafka", "kafka_controller") for name in numbered(kind, brokers)[1:]),
    ]  # fmt: skip
