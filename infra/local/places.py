"""Where local servers' programs lie: made once by `make setup`, shared by every home."""

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("VIGIL_CACHE") or REPOSITORY / ".cache")
KAFKA_JARS = CACHE / "kafka"
TRITON = CACHE / "triton"
TRITON_PYTHON = TRITON / "bin" / "python"


class NotInstalled(Exception):
    """Something a local server needs is not there; the second line says how to get it."""


def finished(part: Path) -> bool:
    """Whether `make setup` came to the end of this part: it leaves a stamp last."""
    return any(part.glob("done-*"))


def need_finished(part: Path, what: str) -> Path:
    """The part, or NotInstalled where it is absent or half made."""
    if not finished(part):
        raise NotInstalled(f"{what} is not installed ({part})\ninstall it: make setup")
    return part


def need(path: Path, what: str, remedy: str) -> Path:
    """The path, or NotInstalled."""
    if not path.exists():
        raise NotInstalled(f"{what} is not installed ({path})\n{remedy}")
    return path


def vigil() -> list[str]:
    """The command line that starts Vigil with this very Python."""
    return [sys.executable, "-m", "infra.main"]
