"""MLLP framing, sans-I/O: bytes in whatever pieces they come, frames out; garbage and endless frames cost no memory.

Source: HL7 Minimal Lower Layer Protocol, release 1: a block is VT (0x0B), the content, FS (0x1C) and CR (0x0D).
"""

from dataclasses import dataclass

VT, FS, CR = b"\x0b", b"\x1c", b"\x0d"


@dataclass(frozen=True, slots=True)
class Frame:
    """The content of one block."""

    content: bytes


@dataclass(frozen=True, slots=True)
class TooLong:
    """A block that went beyond the limit: its first bytes (for its header) and its length; the rest was not held."""

    beginning: bytes
    length: int


@dataclass(frozen=True, slots=True)
class Noise:
    """Bytes outside any block, counted and dropped."""

    length: int


Received = Frame | TooLong | Noise

KEPT = 4096
"""Bytes kept of a block that is too long: enough for its MSH, so that it can be refused by name."""


def encode(content: bytes) -> bytes:
    """One block.

    >>> encode(b"MSH|")
    b'\\x0bMSH|\\x1c\\r'
    """
    return VT + content + FS + CR


class Decoder:
    """Takes a stream apart. `max_frame_bytes`: longer content is reported as TooLong when its end comes.

    FS ends a block even where the CR after it is missing; a new VT inside a block does not begin another (content may not hold it, and a
    sender that was cut off and reconnects comes on a new connection).

    >>> decoder = Decoder(100)
    >>> decoder.receive(b"xx" + encode(b"one") + VT + b"tw"), decoder.receive(b"o" + FS + CR)
    ([Noise(length=2), Frame(content=b'one')], [Frame(content=b'two')])
    """

    def __init__(self, max_frame_bytes: int) -> None:
        self.max_frame_bytes = max_frame_bytes
        self._inside = False
        self._buffer = bytearray()
        self._skipped = 0

    @property
    def within_frame(self) -> bool:
        """Whether a block has begun and not ended."""
        return self._inside

    @property
    def held(self) -> int:
        """Bytes kept of the open block."""
        return len(self._buffer)

    @property
    def length(self) -> int:
        """Bytes of the open block so far, those not kept included."""
        return len(self._buffer) + self._skipped

    def receive(self, data: bytes) -> list[Received]:
        """What became complete with these bytes, in order."""
        out: list[Received] = []
        position = 0
        while position < len(data):
            position = self._within(data, position, out) if self._inside else self._between(data, position, out)
        return out

    def _between(self, data: bytes, position: int, out: list[Received]) -> int:
        start = data.find(VT, position)
        end = len(data) if start < 0 else start
        noise = data[position:end].strip(CR + b"\n")
        if noise:
            out.append(Noise(len(noise)))
        if start < 0:
            return len(data)
        self._inside = True
        return start + 1

    def _within(self, data: bytes, position: int, out: list[Received]) -> int:
        end = data.find(FS, position)
        stop = len(data) if end < 0 else end
        self._keep(data, position, stop)
        if end < 0:
            return len(data)
        out.append(TooLong(bytes(self._buffer), self.length) if self._skipped else Frame(bytes(self._buffer)))
        self._buffer.clear()
        self._inside, self._skipped = False, 0
        return end + 1

    def _keep(self, data: bytes, position: int, stop: int) -> None:
        length = self.length + stop - position
        if length <= self.max_frame_bytes:
            self._buffer += data[position:stop]
            return
        kept = min(KEPT, self.max_frame_bytes)
        self._buffer += data[position : min(stop, position + kept)] if len(self._buffer) < kept else b""
        del self._buffer[kept:]
        self._skipped = length - len(self._buffer)
