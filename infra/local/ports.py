"""Free ports on loopback, kept for a home as long as nobody else takes them."""

import json
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

HOST = "127.0.0.1"


class PortTaken(Exception):
    """A port that was asked for is in use; another base, or no base, is needed."""


def choose(file: Path, names: Iterable[str], base: int | None = None) -> dict[str, int]:
    """A port for each name: from `base` upwards in the order of the names, else the one in `file` where it is still free, else any free one.

    All are held open until the last is chosen, so that no two names get the same. Raises PortTaken for a base that does not fit.
    """
    before: Mapping[str, int] = json.loads(file.read_text()) if file.exists() else {}
    held: dict[str, socket.socket] = {}
    try:
        for number, name in enumerate(names):
            wanted = base + number if base is not None else before.get(name, 0)
            held[name] = _hold(wanted, required=base is not None)
        chosen = {name: int(one.getsockname()[1]) for name, one in held.items()}
    finally:
        for one in held.values():
            one.close()
    file.write_text(json.dumps(chosen))
    return chosen


def _hold(port: int, required: bool) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((HOST, port))
    except OSError as error:
        one.close()
        if required:
            raise PortTaken(f"port {port} is in use") from error
        return _hold(0, required=True)
    return one


def answers(port: int, host: str = HOST, timeout_s: float = 1.0) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False
