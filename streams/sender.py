"""An MLLP client: sends messages one after the other, waits for each acknowledgement, and tells which were not answered."""

import asyncio
import ssl as tls
import time
from collections.abc import Sequence

from msgspec import Struct

from parsers.envelope import peek
from parsers.identity import patient_key
from parsers.mllp import Decoder, Frame, encode

ANSWER_S = 60.0
"""How long a sender waits for an acknowledgement before it counts the message as not answered."""


class NotAnswered(Exception):
    """The connection ended, or nothing came, before the acknowledgement."""


class AckTimes(Struct, frozen=True, kw_only=True):
    """Milliseconds from the last byte sent to the acknowledgement."""

    p50: float | None
    p99: float | None


class SendReport(Struct, frozen=True, kw_only=True):
    """What became of the messages; `no_ack` were never answered, in the order they were given."""

    sent: int
    aa: int
    ae: int
    ar: int
    no_ack: int
    seconds: float
    ack_ms: AckTimes


class MllpSender:
    """One connection."""

    def __init__(self, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        self._decoder = Decoder(1 << 20)
        self._frames: list[bytes] = []
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self, host: str, port: int, ssl: tls.SSLContext | None = None) -> None:
        """Opens the connection. Raises OSError."""
        self._reader, self._writer = await asyncio.open_connection(host, port, ssl=ssl)

    async def send(self, raw: bytes) -> bytes:
        """Sends one message and returns its acknowledgement. Raises NotAnswered; the connection is of no more use then."""
        if self._reader is None or self._writer is None:
            raise NotAnswered("not connected")
        try:
            self._writer.write(encode(raw))
            async with asyncio.timeout(self._answer_s):
                await self._writer.drain()
                while not self._frames:
                    data = await self._reader.read(65_536)
                    if not data:
                        raise NotAnswered("the listener closed the connection")
                    self._frames += [one.content for one in self._decoder.receive(data) if isinstance(one, Frame)]
        except (TimeoutError, OSError) as error:
            raise NotAnswered(type(error).__name__) from error
        return self._frames.pop(0)

    async def tell(self, raw: bytes) -> None:
        """Sends a message that nobody may answer: an acknowledgement. Raises NotAnswered."""
        if self._writer is None:
            raise NotAnswered("not connected")
        self._writer.write(encode(raw))
        await self._writer.drain()

    async def close(self) -> None:
        """Closes the connection."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def answer_of(ack: bytes) -> str:
    """MSA-1 of an acknowledgement, commit answers as their application kin.

    >>> answer_of(b"MSH|^~\\\\&|A|B|C|D|20260101||ACK|1|P|2.5\\rMSA|CA|7\\r")
    'AA'
    """
    for segment in peek(ack).segments:
        if segment[0] == "MSA" and len(segment) > 1:
            return segment[1].strip().replace("C", "A", 1)
    return ""


async def send_all(
    messages: Sequence[bytes],
    *,
    host: str,
    port: int,
    connections: int = 1,
    rate: float | None = None,
    ssl: tls.SSLContext | None = None,
) -> SendReport:
    """Sends all, at most `rate` a second over all connections; the messages of one patient stay in order on one connection."""
    lanes: list[list[bytes]] = [[] for _ in range(connections)]
    for number, raw in enumerate(messages):
        key = patient_key(peek(raw)) if connections > 1 else None
        lanes[hash(key) % connections if key else number % connections].append(raw)
    answers: list[str] = []
    times_ms: list[float] = []
    began = time.perf_counter()
    pace = rate / connections if rate else None
    await asyncio.gather(*(_send_lane(lane, host, port, ssl, pace, answers, times_ms) for lane in lanes if lane))
    seconds = time.perf_counter() - began
    told = sum((peek(raw).type or "").startswith(("ACK", "MCF")) for raw in messages)
    return SendReport(
        sent=len(answers),
        aa=answers.count("AA"),
        ae=answers.count("AE"),
        ar=answers.count("AR"),
        no_ack=len(messages) - told - sum(answer in ("AA", "AE", "AR") for answer in answers),
        seconds=round(seconds, 3),
        ack_ms=AckTimes(p50=_quantile(times_ms, 0.5), p99=_quantile(times_ms, 0.99)),
    )


async def _send_lane(
    lane: Sequence[bytes], host: str, port: int, ssl: tls.SSLContext | None, pace: float | None, answers: list[str], times_ms: list[float]
) -> None:
    sender = MllpSender()
    began = time.perf_counter()
    try:
        await sender.connect(host, port, ssl)
        for number, raw in enumerate(lane):
            if pace is not None:
                await asyncio.sleep(max(0.0, began + number / pace - time.perf_counter()))
            started = time.perf_counter()
            if (peek(raw).type or "").startswith(("ACK", "MCF")):
                await sender.tell(raw)
                continue
            answers.append(answer_of(await sender.send(raw)))
            times_ms.append((time.perf_counter() - started) * 1000)
    except (NotAnswered, OSError):
        return
    finally:
        await sender.close()


def _quantile(times_ms: list[float], share: float) -> float | None:
    ordered = sorted(times_ms)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else None
