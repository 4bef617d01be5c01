"""An MLLP client: sends messages one after the other, waits for each acknowledgement, and tells which were not answered."""

import asyncio
import ssl as tls
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from msgspec import Struct

from parsers.envelope import peek
from parsers.identity import patient_key
from parsers.mllp import Decoder, Frame, encode

ANSWER_S = 60.0
"""How long a sender waits for an acknowledgement before it counts the message as not answered."""


TRIES = 2
WAITS_S = (0.2, 0.5, 1.0, 1.0)
"""After each failure in a row. A restarted listener is back within these; the simulator and the replay wait for one as long as it takes."""


class NotAnswered(Exception):
    """The connection ended, or nothing came, before the acknowledgement."""


class AckTimes(Struct, frozen=True, kw_only=True):
    """Milliseconds from the last byte sent to the acknowledgement."""

    p50: float | None
    p99: float | None


class SendReport(Struct, frozen=True, kw_only=True):
    """What became of the messages. `unanswered`: the positions of the `no_ack` that were never answered, among those given."""

    sent: int
    aa: int
    ae: int
    ar: int
    no_ack: int
    seconds: float
    ack_ms: AckTimes
    unanswered: tuple[int, ...] = ()


class MllpSender:
    """One connection."""

    def __init__(self, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        self._decoder = Decoder(1 << 20)
        self._frames: list[bytes] = []
        self._before = b""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self, host: str, port: int, ssl: tls.SSLContext | None = None) -> None:
        """Opens the connection. Raises OSError."""
        self._reader, self._writer = await asyncio.open_connection(host, port, ssl=ssl)

    async def send(self, raw: bytes) -> bytes:
        """Sends one message and returns its acknowledgement. Raises NotAnswered; the connection is of no more use then.

        In enhanced mode a listener may say two things of a message: what it says of the one before is passed over.
        """
        if self._reader is None or self._writer is None:
            raise NotAnswered("not connected")
        before, self._before = self._before, _control_id(raw)
        try:
            self._writer.write(encode(raw))
            async with asyncio.timeout(self._answer_s):
                await self._writer.drain()
                while not self._heard(before):
                    data = await self._reader.read(65_536)
                    if not data:
                        raise NotAnswered("the listener closed the connection")
                    self._frames += [one.content for one in self._decoder.receive(data) if isinstance(one, Frame)]
        except (TimeoutError, OSError) as error:
            raise NotAnswered(type(error).__name__) from error
        return self._frames.pop(0)

    def _heard(self, before: bytes) -> bool:
        """Whether an answer is there that is not a further one to the message before."""
        while self._frames and before and before != self._before and _answered(self._frames[0]) == before:
            self._frames.pop(0)
        return bool(self._frames)

    async def tell(self, raw: bytes) -> None:
        """Sends a message that nobody may answer: an acknowledgement. Raises NotAnswered."""
        if self._writer is None:
            raise NotAnswered("not connected")
        self._writer.write(encode(raw))
        await self._writer.drain()

    async def close(self) -> None:
        """Closes the connection."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            with suppress(OSError):  # closed by the other side
                await writer.wait_closed()


def _control_id(raw: bytes) -> bytes:
    fields = raw.split(raw[3:4] or b"|", 10)
    return fields[9].strip() if len(fields) > 9 else b""


def _answered(ack: bytes) -> bytes:
    """MSA-2: the control id of the message that an acknowledgement speaks of."""
    found = next((segment for segment in peek(ack).segments if segment[0] == "MSA"), ())
    return found[2].strip().encode() if len(found) > 2 else b""


def answer_of(ack: bytes) -> str:
    """MSA-1 of an acknowledgement, commit answers as their application kin.

    >>> answer_of(b"MSH|^~\\\\&|A|B|C|D|20260101||ACK|1|P|2.5\\rMSA|CA|7\\r")
    'AA'
    """
    for segment in peek(ack).segments:
        if segment[0] == "MSA" and len(segment) > 1:
            return segment[1].strip().replace("C", "A", 1)
    return ""


def is_acknowledgement(raw: bytes) -> bool:
    """Whether nobody will answer this message: it is an acknowledgement itself."""
    envelope = peek(raw)
    return (envelope.type or "").startswith(("ACK", "MCF")) or (envelope.answers and not envelope.accept_ack)


async def send_all(
    messages: Sequence[bytes],
    *,
    host: str,
    port: int,
    connections: int = 1,
    rate: float | None = None,
    ssl: tls.SSLContext | None = None,
) -> SendReport:
    """Sends all, at most `rate` a second over all connections; the messages of one patient stay in order on one connection.

    A message that is not answered is sent once more on a new connection, then left behind and told in the report; after so many failures in
    a row as there are WAITS_S, whatever else was to go over that connection is left behind too.
    """
    lanes = [lane for lane in _lanes(messages, connections) if lane]
    tally = _Tally()
    pace = rate / len(lanes) if rate and lanes else None
    began = time.perf_counter()
    await asyncio.gather(*(_Lane(host, port, ssl, tally).send(messages, lane, pace) for lane in lanes))
    seconds = time.perf_counter() - began
    counted = Counter(tally.answers.values())
    unanswered = tuple(n for n in range(len(messages)) if n not in tally.told and tally.answers.get(n) not in {"AA", "AE", "AR"})
    return SendReport(
        sent=len(tally.answers),
        aa=counted["AA"],
        ae=counted["AE"],
        ar=counted["AR"],
        no_ack=len(unanswered),
        seconds=round(seconds, 3),
        ack_ms=AckTimes(p50=_quantile(tally.times_ms, 0.5), p99=_quantile(tally.times_ms, 0.99)),
        unanswered=unanswered,
    )


def _lanes(messages: Sequence[bytes], connections: int) -> list[list[int]]:
    """Which messages, by position, go over which connection."""
    lanes: list[list[int]] = [[] for _ in range(connections)]
    for number, raw in enumerate(messages):
        key = patient_key(peek(raw)) if connections > 1 else None
        lanes[hash(key) % connections if key else number % connections].append(number)
    return lanes


@dataclass(slots=True)
class _Tally:
    """What became of the messages, by position, over all connections. `told`: those that nobody answers."""

    told: set[int] = field(default_factory=set)
    answers: dict[int, str] = field(default_factory=dict)
    times_ms: list[float] = field(default_factory=list)


class _Lane:
    """One connection of several, made again where it broke."""

    def __init__(self, host: str, port: int, ssl: tls.SSLContext | None, tally: _Tally) -> None:
        self._to, self._ssl, self._tally = (host, port), ssl, tally
        self._sender: MllpSender | None = None

    async def send(self, messages: Sequence[bytes], lane: Sequence[int], pace: float | None) -> None:
        """Sends these, in order, at most `pace` a second."""
        began, turn, tries, failures = time.perf_counter(), 0, 0, 0
        while turn < len(lane) and failures < len(WAITS_S):
            if pace is not None:
                await asyncio.sleep(max(0.0, began + turn / pace - time.perf_counter()))
            try:
                await self._send(lane[turn], messages[lane[turn]])
                failures = 0
            except (NotAnswered, OSError):
                await self._hang_up()
                await asyncio.sleep(WAITS_S[failures])
                tries, failures = tries + 1, failures + 1
                if tries < TRIES:
                    continue
            turn, tries = turn + 1, 0
        await self._hang_up()

    async def _send(self, number: int, raw: bytes) -> None:
        if self._sender is None:
            self._sender = MllpSender()
            await self._sender.connect(*self._to, self._ssl)
        if is_acknowledgement(raw):
            await self._sender.tell(raw)
            self._tally.told.add(number)
            return
        started = time.perf_counter()
        self._tally.answers[number] = answer_of(await self._sender.send(raw))
        self._tally.times_ms.append((time.perf_counter() - started) * 1000)

    async def _hang_up(self) -> None:
        sender, self._sender = self._sender, None
        if sender is not None:
            await sender.close()


def _quantile(times_ms: list[float], share: float) -> float | None:
    ordered = sorted(times_ms)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else None
