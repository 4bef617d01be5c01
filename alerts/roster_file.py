"""The on-call file as it is now: read again when it changes; a new one that is wrong is told, and the old one stays in force."""

from collections.abc import Callable, Iterable
from pathlib import Path

from alerts.people import Roster, RosterError, load
from infra.logs import logger

CurrentRoster = Callable[[], Roster | None]
"""Whoever needs the roster asks for it anew; None where there is none."""

log = logger("alerts")


class RosterFile:
    """Called, it gives the roster in force. Raises RosterError at the start where the first one is wrong."""

    def __init__(self, path: Path, channels: Iterable[str]) -> None:
        self._path, self._channels = path, tuple(channels)
        self._seen = self._state()
        self._roster = load(path, self._channels)

    def __call__(self) -> Roster:
        """A look at the file's time and size, and no more where they are the same."""
        state = self._state()
        if state != self._seen:
            self._seen = state
            try:
                self._roster = load(self._path, self._channels)
                log.info("roster_read", version=self._roster.version)
            except RosterError as wrong:
                log.error("roster_wrong", detail=str(wrong).partition("\n")[0], in_force=self._roster.version)
        return self._roster

    def _state(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)


def no_roster() -> None:
    """Where the settings name no on-call file: the routes alone say who is paged."""
    return
