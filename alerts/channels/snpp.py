"""SNPP, the Simple Network Paging Protocol, level 1. Source: RFC 1861."""

import asyncio
import ssl

from alerts.channels.channel import Accepted, Page, Refused, plain

MAX_LINE = 400
"""Well below what any terminal takes; RFC 1861 leaves the limit to the server and says so with 550."""


class Snpp:
    """PAGE, MESS, SEND, QUIT: the page counts as taken with 250 after SEND and not before."""

    def __init__(self, host: str, port: int, timeout_s: float, tls: bool = False) -> None:
        self._host, self._port, self._timeout_s = host, port, timeout_s
        self._ssl = ssl.create_default_context() if tls else None

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """One connection a page, as pagers' terminals expect."""
        try:
            async with asyncio.timeout(self._timeout_s):
                reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._ssl)
                try:
                    return await self._talk(reader, writer, page, target)
                finally:
                    writer.close()
        except TimeoutError:
            return Refused(permanent=False, detail="snpp: no answer in time")
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:  # ValueError: a line without end
            return Refused(permanent=False, detail=f"snpp: {type(error).__name__}")

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, page: Page, target: str) -> Accepted | Refused:
        greeting = await _answer(reader)
        if not greeting.startswith("220"):
            return Refused(permanent=False, detail=f"snpp: greeted with {greeting[:3]}")
        for command in (f"PAGE {plain(target)}", f"MESS {plain(page.text)[:MAX_LINE]}", "SEND"):
            writer.write(f"{command}\r\n".encode("ascii"))
            await writer.drain()
            answer = await _answer(reader)
            if not answer.startswith("250") and not (command == "SEND" and answer.startswith(("860", "960"))):
                writer.write(b"QUIT\r\n")
                return Refused(permanent=_is_permanent(answer), detail=f"snpp: {command[:4].strip()} answered {answer[:3]}")
        writer.write(b"QUIT\r\n")  # not waited for: the page is taken, whatever becomes of the goodbye
        return Accepted(provider_ref=answer[4:].strip()[:100] or None)


async def _answer(reader: asyncio.StreamReader) -> str:
    line = await reader.readline()
    if not line:
        raise asyncio.IncompleteReadError(b"", None)
    return line.decode("ascii", "replace").strip()


def _is_permanent(answer: str) -> bool:
    """RFC 1861, 3: 421 is the gateway closing down, 554 a failure of the moment; 550 refuses this page, 500 and 503 this dialogue."""
    return answer[:3] in ("500", "503", "550")
