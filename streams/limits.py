"""What all connections together may cost: bytes held of frames that have not ended, and one large message read at a time, aside."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

LARGE = 256 * 1024
"""A frame from here on counts as large. Reading takes 10–60 ms a megabyte, so a larger one on the event loop would keep everybody waiting."""

HELD_BYTES = 256 * 1024 * 1024
"""Beyond this, connections in the middle of a large frame are closed: a thousand of them could otherwise hold 16 GB."""

T = TypeVar("T")


class Limits:
    """Shared by every connection of a listener."""

    def __init__(self) -> None:
        self._held = 0
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="large-message")

    def hold(self, change: int) -> None:
        """A connection holds so many bytes more of its open frame, or fewer."""
        self._held += change

    def refuses(self, held: int) -> bool:
        """Whether a connection that holds `held` bytes of an open frame may hold no more."""
        return held > LARGE and self._held > HELD_BYTES

    async def aside(self, size: int, read: Callable[[], T]) -> T:
        """Reads a message of `size` bytes: at once, or in the thread for large ones."""
        return read() if size <= LARGE else await asyncio.get_running_loop().run_in_executor(self._reader, read)

    def close(self) -> None:
        """Ends the thread."""
        self._reader.shutdown(wait=False, cancel_futures=True)
