"""Sends messages at their hour of Vigil's clock, and goes on where it stopped: nothing is left out, whatever dies."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from infra.clock import Clock
from infra.logs import logger
from streams.sender import MllpSender, NotAnswered, answer_of
from streams.ward.schedule import Sent

log = logger("streams")

LONGEST_WAIT_S = 5.0


class Tally(Struct, kw_only=True):
    """What was answered so far."""

    messages: int = 0
    aa: int = 0
    ae: int = 0
    ar: int = 0


class Bookmark:
    """Where a ward began and how many of its messages are answered, in a file: a restarted simulator is the same ward, not another."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def start(self, now: datetime) -> datetime:
        """When this ward began: now, where there is no file yet."""
        if not self._path.exists():
            self.write(now, 0)
        return datetime.fromisoformat(json.loads(self._path.read_text())["start"])

    def sent(self) -> int:
        """How many messages need not be sent again."""
        return int(json.loads(self._path.read_text())["sent"]) if self._path.exists() else 0

    def write(self, start: datetime, sent: int) -> None:
        """Written whole or not at all."""
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps({"start": start.isoformat(), "sent": sent}))
        draft.replace(self._path)


async def send_paced(
    messages: Iterator[Sent], clock: Clock, host: str, port: int, *, tally: Tally, on_sent: Callable[[int], None], paced: bool = True
) -> Tally:
    """Each message at its time (or, not `paced`, as fast as acknowledgements come). An unanswered one is sent again on a new connection."""
    sender: MllpSender | None = None
    for message in messages:
        if paced:
            await asyncio.sleep(max(0.0, clock.real_seconds(message.at - clock.now())))
        wait_s = 0.2
        while True:
            try:
                if sender is None:
                    sender = MllpSender()
                    await sender.connect(host, port)
                answer = answer_of(await sender.send(message.raw))
                break
            except (NotAnswered, OSError) as error:
                log.warning("listener_away", error=type(error).__name__, retry_s=wait_s)
                sender = None
                await asyncio.sleep(wait_s)
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)
        tally.messages += 1
        tally.aa += answer == "AA"
        tally.ae += answer == "AE"
        tally.ar += answer == "AR"
        on_sent(tally.messages)
    if sender is not None:
        await sender.close()
    return tally
