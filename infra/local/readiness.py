"""Whether each process of an installation does its work: a produce, a query, an inference, an answered request."""

import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from infra.local import kafka_server, postgres_server, triton_server
from infra.local.ports import HOST, answers
from infra.local.programs import Program
from infra.settings import Settings

SETTLED = b"vigil_worker_settled "
WAITING = b"vigil_worker_waiting "


def fetch(url: str, timeout_s: float = 2.0) -> bytes | None:
    """The body of a local URL; None where it does not answer 200."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 (loopback, made by us)
            body: bytes = answer.read()
            return body
    except (urllib.error.URLError, OSError):
        return None


def reachable(host: str) -> str:
    """Where a server that listens on `host` is reached from here: loopback for one that listens everywhere."""
    return HOST if host in {"", "0.0.0.0", "::"} else host  # noqa: S104 (compared, not bound)


def is_ready(program: Program, settings: Settings) -> bool:
    """Asks one process to do a little of what it is for."""
    match program.kind:
        case "kafka":
            return kafka_server.probe(f"{HOST}:{program.port}")
        case "postgres":
            return postgres_server.probe(settings.database.url)
        case "triton":
            return triton_server.probe(settings.triton.grpc, settings.triton.model)
        case "worker":
            return _works(fetch(f"http://{HOST}:{program.port}/metrics"))
        case "http" if program.name == "board":
            return fetch(f"http://{reachable(settings.board.host)}:{settings.board.port}/healthz") is not None
        case "http" if program.name == "listen":
            open_feeds = all(answers(feed.port, reachable(feed.host)) for feed in settings.listen.feeds)
            return open_feeds and fetch(f"http://{HOST}:{program.port}/metrics") is not None
        case "http":
            return fetch(f"http://{HOST}:{program.port}/metrics") is not None
        case "tcp":
            return answers(program.port)
        case _:
            return True


def _works(metrics: bytes | None) -> bool:
    """A worker is ready once Kafka has told it which partitions it holds, and as long as it does not wait for something that is away."""
    lines = [] if metrics is None else metrics.splitlines()
    told = {line.split()[0] + b" ": float(line.split()[-1]) for line in lines if line.startswith((SETTLED, WAITING))}
    return told.get(SETTLED, 0) > 0 and not told.get(WAITING, 0)


def all_ready(programs: Sequence[Program], settings: Settings, running: Mapping[str, Any]) -> dict[str, bool]:
    """Every program by name, asked side by side; one that supervisor does not call running is not ready."""
    with ThreadPoolExecutor(len(programs) or 1) as pool:
        asked = pool.map(partial(_one, settings=settings, running=running), programs)
        return dict(asked)


def _one(program: Program, settings: Settings, running: Mapping[str, Any]) -> tuple[str, bool]:
    return program.name, bool(running.get(program.name)) and is_ready(program, settings)
