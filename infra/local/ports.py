"""Free ports on loopback, kept for a home as long as nobody else takes them."""

import json
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

HOST = "127.0.0.1"

LOWEST = 15_000
"""Above the ports that well-known services listen on by custom (5432, 8080, 9092 …)."""

DYNAMIC = 49_152
"""Where RFC 6335 section 6 lets dynamic ports begin: what is assumed of a kernel that does not say."""

KERNEL_SAYS = Path("/proc/sys/net/ipv4/ip_local_port_range")


class PortTaken(Exception):
    """A port that was asked for is in use; another base, or no base, is needed."""


def choose(file: Path, names: Iterable[str], base: int | None = None) -> dict[str, int]:
    """A port for each name: from `base` upwards in the order of the names, else the one in `file` where it is still free, else any free one.

    All are held open until the last is chosen, so that no two names get the same. Raises PortTaken for a base that does not fit.
    A free one lies below those that the kernel gives to outgoing connections: such a connection could take the port of a server that
    is just being started again, and keep it from coming back for as long as the connection lives.
    """
    before: Mapping[str, int] = json.loads(file.read_text()) if file.exists() else {}
    held: dict[str, socket.socket] = {}
    try:
        for number, name in enumerate(names):
            held[name] = _hold([base + number] if base is not None else _candidates(before.get(name)))
        chosen = {name: int(one.getsockname()[1]) for name, one in held.items()}
    finally:
        for one in held.values():
            one.close()
    file.write_text(json.dumps(chosen))
    return chosen


def free() -> int:
    """A port that is free now, for a server that lives for moments."""
    with _hold(_candidates(None)) as held:
        return int(held.getsockname()[1])


def _candidates(before: int | None) -> Iterator[int]:
    """The port of last time, then any below the kernel's own, then whatever the kernel gives."""
    if before is not None:
        yield before
    below = range(LOWEST, int(KERNEL_SAYS.read_text().split()[0]) if KERNEL_SAYS.exists() else DYNAMIC)
    yield from (secrets.choice(below) for _ in range(100 if below else 0))
    yield 0


def _hold(candidates: Iterable[int]) -> socket.socket:
    taken = []
    for port in candidates:
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
            one.listen(1)  # two sockets may be bound to one port until one of them listens
            return one
        except OSError:
            one.close()
            taken.append(port)
    raise PortTaken(f"port {taken[0]} is in use")


def answers(port: int, host: str = HOST, timeout_s: float = 1.0) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False
