"""The policy's files as they are now: read again when they change; a new one that is wrong is told, and the old ones stay in force."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from alerts.policy_file import load
from alerts.rules import Policy, PolicyError, Rules
from infra.logs import logger

LOOK_S: Final = 5.0
"""Real seconds between two looks at the files; a policy is changed a few times a year."""

log = logger("alerts")


class PolicyFiles:
    """Follows a file or a folder of editions. Raises PolicyError at the start where it is wrong."""

    def __init__(self, path: Path, model_threshold: float, model: str, seconds: Callable[[], float] = time.monotonic) -> None:
        self._path, self._threshold, self._model, self._seconds = path, model_threshold, model, seconds
        self._seen, self._looked_at = self._state(), seconds()
        self._policy = load(path, model_threshold, model)

    def rules_for(self, unit: str | None, at: datetime) -> Rules:
        """What holds on a unit at an instant, by the files as they are."""
        return self.policy.rules_for(unit, at)

    @property
    def policy(self) -> Policy:
        """All editions, as the files are."""
        if self._seconds() - self._looked_at >= LOOK_S:
            self._looked_at = self._seconds()
            self._look()
        return self._policy

    def _look(self) -> None:
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            self._policy = load(self._path, self._threshold, self._model)
            log.info("policy_read", versions=[one.version for one in self._policy.editions])
        except PolicyError as wrong:
            in_force = [one.version for one in self._policy.editions]
            log.error("policy_wrong", detail=str(wrong).partition("\n")[0], in_force=in_force)

    def _state(self) -> tuple[tuple[str, int, int], ...]:
        found = sorted(self._path.glob("*.toml")) if self._path.is_dir() else [self._path]
        return tuple(_state(one) for one in found)


def _state(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (path.name, 0, 0)
    return (path.name, found.st_mtime_ns, found.st_size)
