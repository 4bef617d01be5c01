"""What `up`, `down` and `status` know of one installation: its plan, kept in a file, and its settings."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from infra.local import kafka_server, postgres_server
from infra.local import ports as free_ports
from infra.local.kafka_server import Broker
from infra.local.ports import HOST
from infra.local.programs import Program, numbered, port_names, programs
from infra.settings import Settings, load

REPLICATED = {"replication": 3, "min_insync": 2}
"""Of three brokers one may die with nothing lost and nobody waiting; with two gone nothing is acknowledged."""


class BrokersFixed(Exception):
    """Another number of brokers than this home's data was written by; its topics would lose their replicas."""


class Plan(Struct, frozen=True, kw_only=True):
    """What `vigil up` was asked for, and the ports it chose."""

    workers: int
    pagers: int
    demo: bool
    beds: int
    local_database: bool
    ports: dict[str, int]
    brokers: int = 1
    cluster_id: str = ""

    def programs(self, home: Path) -> list[Program]:
        """The processes of this plan."""
        return programs(
            str(home), self.ports, brokers=self.brokers, workers=self.workers, pagers=self.pagers, demo=self.demo, beds=self.beds,
            local_database=self.local_database,
        )  # fmt: skip

    def cluster(self) -> list[Broker]:
        """The brokers, the first first."""
        names = zip(numbered("kafka", self.brokers), numbered("kafka_controller", self.brokers), strict=True)
        return [
            Broker(node_id=number, port=self.ports[client], controller_port=self.ports[controller])
            for number, (client, controller) in enumerate(names, 1)
        ]


def plan_of(home: Path) -> Plan | None:
    """The plan of what runs, or ran last, under this home."""
    file = home / "plan.json"
    return msgspec.json.decode(file.read_bytes(), type=Plan) if file.exists() else None


def prepare(
    home: Path, *, workers: int, pagers: int, demo: bool, beds: int, speed: float, port_base: int | None, brokers: int | None = None
) -> Plan:
    """Chooses ports, writes `plan.json` and `runtime.json`. What `vigil.toml` says of addresses and channels stands.

    `brokers`: None for as many as the home has, one for a new home. Raises BrokersFixed, PortTaken.
    """
    home.mkdir(parents=True, exist_ok=True)
    cluster_id, brokers = _brokers(home, brokers)
    before = home / "runtime.json"
    old = json.loads(before.read_text()) if before.exists() else {}
    before.unlink(missing_ok=True)
    written = load(home)
    if old.get("clock") and (home / "stopped_at").exists():
        old["clock"]["stopped_at"] = (home / "stopped_at").read_text()
        (home / "stopped_at").unlink()
    chosen = free_ports.choose(home / "ports.json", port_names(workers, pagers, len(written.listen.feeds), brokers), port_base)
    plan = Plan(
        brokers=brokers, cluster_id=cluster_id, workers=workers, pagers=pagers, demo=demo, beds=beds, local_database=not written.database.url,
        ports=chosen,
    )  # fmt: skip
    (home / "runtime.json").write_text(json.dumps(_runtime(written, plan, old.get("clock"), speed), indent=1))
    (home / "plan.json").write_bytes(msgspec.json.encode(plan))
    return plan


def _brokers(home: Path, wanted: int | None) -> tuple[str, int]:
    """The cluster's id and size: those of the home's data where there is any."""
    before = plan_of(home) if any(home.glob("kafka*/data")) else None
    if before is None:
        return kafka_server.new_cluster_id(), wanted or 1
    if wanted not in (None, before.brokers):
        raise BrokersFixed(f"the data under {home} was written by {before.brokers} broker{'s' if before.brokers > 1 else ''}")
    return before.cluster_id, before.brokers


def _runtime(written: Settings, plan: Plan, old_clock: dict[str, Any] | None, speed: float) -> dict[str, Any]:
    ports = plan.ports
    feeds = [msgspec.to_builtins(feed) for feed in written.listen.feeds]
    for feed, name in zip(feeds, numbered("mllp", len(feeds)), strict=True):
        feed["port"] = feed["port"] or ports[name]
    runtime: dict[str, Any] = {
        "clock": _clock(old_clock, speed),
        "kafka": {"bootstrap": ",".join(f"{HOST}:{one.port}" for one in plan.cluster())} | ({} if plan.brokers == 1 else REPLICATED),
        "listen": {"feeds": feeds, "metrics_port": ports["listen_metrics"]},
        "triton": {
            "grpc": f"{HOST}:{ports['triton_grpc']}",
            "http": f"{HOST}:{ports['triton_http']}",
            "metrics_port": ports["triton_metrics"],
        },
        "board": {"host": written.board.host, "port": written.board.port or ports["board"]},
    }
    names = numbered("page", plan.pagers)
    runtime["watch"] = {
        "metrics_port": ports["watch_metrics"],
        "listeners": {"listen": f"http://{HOST}:{ports['listen_metrics']}/metrics"},
        "pagers": {name: f"http://{HOST}:{ports[f'{name}_metrics']}/metrics" for name in names},
    }
    if plan.local_database:
        runtime["database"] = {"url": postgres_server.url(ports["postgres"])}
    if plan.demo and not written.page.channels:
        runtime["page"] = _demo_channels(ports)
    return runtime


def _demo_channels(ports: dict[str, int]) -> dict[str, Any]:
    """Every tier to the local catchers, each by the way a hospital would choose for it; who is on call stands in a file that can be read."""
    return {
        "oncall": str(files("infra.main") / "demo_oncall.toml"),
        "channels": {
            "pager": {"kind": "snpp", "address": f"{HOST}:{ports['catch_snpp']}"},
            "mail": {"kind": "smtp", "address": f"{HOST}:{ports['catch_smtp']}", "sender": "vigil@hospital.test"},
            "hook": {
                "kind": "webhook",
                "allow_private": True,
                "address": f"http://{HOST}:{ports['catch_http']}/",
                "secret": "whsec_dmlnaWwtZGVtby1vbmx5LW5vLXNlY3JldC1oZXJl",
            },
        },
        "routes": [
            {"tier": "rapid_response", "channel": "pager", "target": "2222"},
            {"tier": "urgent", "channel": "mail", "target": "ward-doctor@hospital.test"},
            {"tier": "watch", "channel": "hook", "target": "nurse-in-charge"},
        ],
    }


def remember(home: Path, reached: datetime) -> None:
    """Notes the time that Vigil's clock had reached when everything was stopped, so that a scaled clock goes on from there."""
    (home / "stopped_at").write_text(reached.isoformat())


def _clock(old: dict[str, Any] | None, speed: float) -> dict[str, Any]:
    """Real time at speed 1. A scaled clock stands still while the home is down, and Vigil's time never runs backwards in one home."""
    now = datetime.now(UTC)
    if old is None:
        return {"speed": speed, "anchor": now.isoformat(), "real_anchor": now.isoformat()}
    stopped_at = old.get("stopped_at")
    if stopped_at is not None:
        reached = datetime.fromisoformat(stopped_at)
    else:
        reached = datetime.fromisoformat(old["anchor"]) + (now - datetime.fromisoformat(old["real_anchor"])) * old["speed"]
    return {"speed": speed, "anchor": max(reached, now).isoformat(), "real_anchor": now.isoformat()}
