"""What the commands about models need first: the repository, where its served copy lies, and what was unloaded."""

import json
from pathlib import Path

from infra.settings import Settings
from scoring.served import repository_of
from scoring.triton import registry
from scoring.triton.registry import Held


def served_folder(settings: Settings) -> Path:
    """What the local Triton reads: checked copies."""
    return Path(settings.home) / "triton" / "models"


def unloaded(settings: Settings) -> set[str]:
    """`model/number` of the versions that somebody unloaded; they stay away when Triton is started again."""
    path = _unloaded_file(settings)
    return set(json.loads(path.read_text())) if path.exists() else set()


def remember_unloaded(settings: Settings, names: set[str]) -> None:
    """Writes them down."""
    path = _unloaded_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sorted(names)))


def lay_out(settings: Settings) -> list[Held]:
    """Checks every version and copies to the server's folder what may serve."""
    return registry.lay_out(repository_of(settings.triton), served_folder(settings), unloaded(settings), registry.schemas())


def _unloaded_file(settings: Settings) -> Path:
    return Path(settings.home) / "triton" / "unloaded.json"
