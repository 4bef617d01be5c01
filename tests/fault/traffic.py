"""The senders: several MLLP connections at a steady rate, none of which gives up a message before it is answered; every answer is noted."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from streams.sender import MllpSender, NotAnswered, answer_of
from tests.fault.scripts import Said, ward
from tests.installations import eventually

RATE = 80.0
"""Messages a second over all connections; the issue asks for 50 and more."""
LANES = 8
ANSWER_S = 45.0
"""Longer than the listener keeps a message that Kafka does not confirm."""
LAST_S = 150.0
"""How long the last messages may take to be answered once the fault is over."""

Script = Callable[[str, int], Iterator[Said]]


@dataclass(slots=True, kw_only=True)
class Heard:
    """One message and what its sender was told: `answer` is MSA-1, None until there is one."""

    said: Said
    sent_at: datetime
    tries: int = 0
    answer: str | None = None
    answered_at: datetime | None = None


class Traffic:
    """Each patient's messages go over one connection, one after the other; what was held up by an outage is made up for at once."""

    def __init__(self, run: str, to: Callable[[], tuple[str, int]], script: Script = ward, rate: float = RATE) -> None:
        self.heard: list[Heard] = []
        self.began = self.ended = time.monotonic()
        self._run, self._to, self._script = run, to, script
        self.rate(rate)
        self._behind = [0.0] * LANES
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), name="traffic", daemon=True)

    def start(self) -> "Traffic":
        """Begins to send."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Sends nothing new and waits for the last answers."""
        self._stopping.set()
        self._thread.join(LAST_S + 30)
        self.ended = time.monotonic()
        assert not self._thread.is_alive()

    def rate(self, a_second: float) -> None:
        """Messages a second from here on, over all connections."""
        self._every_s = LANES / a_second

    @property
    def answered(self) -> int:
        """How many messages have an answer."""
        return sum(one.answer is not None for one in list(self.heard))

    def waiting(self) -> list[str]:
        """Control ids of messages that were sent and have no answer yet."""
        return [one.said.control_id for one in list(self.heard) if one.answer is None]

    def flows(self, more: int = 60) -> None:
        """Waits until so many more messages are answered."""
        goal = self.answered + more
        eventually(lambda: self.answered >= goal, within_s=120)

    def silent(self, for_s: float = 1.0) -> None:
        """Waits until no answer has come for so long, and every connection waits for one."""

        def holds() -> bool:
            before = self.answered
            time.sleep(for_s)
            return self.answered == before and len(self.waiting()) == LANES

        eventually(holds)

    def caught_up(self) -> None:
        """Waits until what an outage held up has been sent."""
        eventually(lambda: max(self._behind) < 1.0, within_s=180)

    async def _all(self) -> None:
        lanes = [asyncio.create_task(self._lane(number)) for number in range(LANES)]
        await asyncio.to_thread(self._stopping.wait)
        _, late = await asyncio.wait(lanes, timeout=LAST_S)
        for lane in late:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)

    async def _lane(self, lane: int) -> None:
        line = _Line(self._to)
        due = time.monotonic() + lane / LANES * self._every_s
        try:
            for said in self._script(self._run, lane):
                self._behind[lane] = time.monotonic() - due
                await asyncio.sleep(max(0.0, -self._behind[lane]))
                if self._stopping.is_set():
                    break
                heard = Heard(said=said, sent_at=datetime.now(UTC))
                self.heard.append(heard)
                heard.answer = await line.send(heard)
                heard.answered_at = datetime.now(UTC)
                due += self._every_s
        finally:
            await line.hang_up()


class _Line:
    """A connection that is made again until a message is answered."""

    def __init__(self, to: Callable[[], tuple[str, int]]) -> None:
        self._to = to
        self._sender: MllpSender | None = None

    async def send(self, heard: Heard) -> str:
        while True:
            heard.tries += 1
            try:
                if self._sender is None:
                    sender = MllpSender(ANSWER_S)
                    await sender.connect(*self._to())
                    self._sender = sender
                return answer_of(await self._sender.send(heard.said.raw))
            except (NotAnswered, OSError):
                await self.hang_up()
                await asyncio.sleep(0.2)

    async def hang_up(self) -> None:
        sender, self._sender = self._sender, None
        if sender is not None:
            await sender.close()
