"""Sends messages at their hour of Vigil's clock, and goes on where it stopped: nothing is left out, whatever dies."""

import json
from asyncio import sleep
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from infra.clock import Clock
from infra.logs import logger
from streams.sender import MllpSender, NotAnswered, answer_of
from streams.ward.schedule import Sent

log = logger("streams")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0


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
    line = _Line(host, port)
    try:
        for message in messages:
            if paced:
                await sleep(max(0.0, clock.real_seconds(message.at - clock.now())))
            answer = await line.send(message.raw)
            tally.messages += 1
            tally.aa += answer == "AA"
            tally.ae += answer == "AE"
            tally.ar += answer == "AR"
            on_sent(tally.messages)
    finally:
        await line.hang_up()
    return tally


class _Line:
    """A connection that is made again, after a growing pause, until a message is answered."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._sender: MllpSender | None = None

    async def send(self, raw: bytes) -> str:
        """MSA-1 of the answer, however long it takes to get one."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                return answer_of(await (await self._connected()).send(raw))
            except (NotAnswered, OSError) as error:
                log.warning("listener_away", error=type(error).__name__, retry_s=wait_s)
            await self.hang_up()
            await sleep(wait_s)
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    async def _connected(self) -> MllpSender:
        if self._sender is None:
            self._sender = MllpSender()
            await self._sender.connect(self._host, self._port)
        return self._sender

    async def hang_up(self) -> None:
        """Closes the connection, if there is one."""
        sender, self._sender = self._sender, None
        if sender is not None:
            await sender.close()
