"""A small MLLP listener on a thread of its own: takes what it is sent, or hangs up now and then."""

import asyncio
import threading

from parsers.mllp import Decoder, Frame, encode


class Taker:
    """`taken`: the messages acknowledged, in order. `hang_up`: every so many messages it closes instead of answering."""

    def __init__(self, hang_up: int | None = None) -> None:
        self.taken: list[bytes] = []
        self.port = 0
        self._hang_up, self._heard = hang_up, 0
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Taker":
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._done, self._connections = asyncio.Event(), set[asyncio.Task[None]]()
        async with await asyncio.start_server(self._greet, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._started.set()
            await self._done.wait()
        await asyncio.gather(*self._connections)

    def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._take(reader, writer))
        self._connections.add(task)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder(1 << 20)
        frames: list[bytes] = []
        while data := await reader.read(65_536):
            frames += [one.content for one in decoder.receive(data) if isinstance(one, Frame)]
            while frames and self._answers():
                self.taken.append(frames.pop(0))
                writer.write(encode(b"MSH|^~\\&|V|V|S|S|20260301||ACK|1|P|2.5.1\rMSA|AA|1\r"))
            if frames:
                break
        writer.close()
        await writer.wait_closed()

    def _answers(self) -> bool:
        self._heard += 1
        return self._hang_up is None or self._heard % self._hang_up != 0
