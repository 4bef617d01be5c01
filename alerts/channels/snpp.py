"""SNPP, the Simple Network Paging Protocol: level 1 to any terminal, level 3 to those whose pagers can answer. Source: RFC 1861."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Final

from alerts.channels.channel import Accepted, Ending, Page, Refused, Reply, brief, plain
from alerts.channels.words import understood

MAX_LINE = 400
"""Well below what any terminal takes; RFC 1861 leaves the limit to the server and says so with 550."""
REPLIES: Final[dict[str, Reply]] = {"01": "acknowledge", "02": "decline"}
"""The multiple-choice responses a page offers (RFC 1861, 4.6.7): two digits and a word that the pager shows beside its keys."""


class Snpp:
    """PAGE, MESS, SEND, QUIT: the page counts as taken with 250 after SEND (860 or 960 at level 3) and not before."""

    def __init__(self, host: str, port: int, timeout_s: float, context: ssl.SSLContext | None = None, *, two_way: bool = False) -> None:
        self._host, self._port, self._timeout_s, self._two_way, self._ssl = host, port, timeout_s, two_way, context

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """One connection a page, as pagers' terminals expect."""
        asked: list[str] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._ssl)
                try:
                    return await _talk(reader, writer, self._commands(page, target), asked)
                finally:
                    writer.close()
        except TimeoutError:
            return Refused(permanent=False, detail="snpp: no answer in time", unknown="SEND" in asked)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:  # ValueError: a line without end
            return Refused(permanent=False, detail=f"snpp: {type(error).__name__}", unknown="SEND" in asked)

    async def reply(self, provider_ref: str) -> Reply | None:
        """What the pager answered to the page of that message tag and pass code; None where it has not, or nobody knows. RFC 1861, 4.6.10."""
        answer = await self._say(f"MSTA {plain(provider_ref)}") if self._two_way else None
        return _reply(answer) if answer is not None else None

    async def follow(self, page_id: str, provider_ref: str | None, ending: Ending) -> bool:
        """Takes back a page that its pager has not got yet, where the terminal gave it a tag: KTAG. RFC 1861, 4.6.4."""
        if not self._two_way or provider_ref is None:
            return True
        answer = await self._say(f"KTAG {plain(provider_ref)}")
        return answer is not None and not answer.startswith(("421", "554"))

    async def _say(self, command: str) -> str | None:
        """One command on a connection of its own, and its answer; None where the terminal is away or does not greet."""
        try:
            async with asyncio.timeout(self._timeout_s):
                reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._ssl)
                try:
                    if not (await _answer(reader)).startswith("220"):
                        return None
                    writer.write(f"{command}\r\n".encode("ascii"))
                    await writer.drain()
                    return await _answer(reader)
                finally:
                    writer.write(b"QUIT\r\n")
                    writer.close()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError):
            return None

    def _commands(self, page: Page, target: str) -> Sequence[str]:
        offered = [f"MCRE {code} {reply.title()}" for code, reply in REPLIES.items()] if self._two_way else []
        begin = ["2WAY"] if self._two_way else []
        return (*begin, f"PAGE {plain(target)}", f"MESS {brief(page, MAX_LINE)}", *offered, "SEND")


async def _talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, commands: Sequence[str], asked: list[str]
) -> Accepted | Refused:
    """`asked` keeps what was sent, for whoever must know how far it came."""
    greeting = await _answer(reader)
    if not greeting.startswith("220"):
        return Refused(permanent=False, detail=f"snpp: greeted with {greeting[:3]}")
    answer = ""
    for command in commands:
        asked.append(command)
        writer.write(f"{command}\r\n".encode("ascii"))
        await writer.drain()
        answer = await _answer(reader)
        if not answer.startswith("250") and not (command == "SEND" and answer.startswith(("860", "861", "880", "960"))):
            writer.write(b"QUIT\r\n")
            return Refused(permanent=_is_permanent(answer), detail=f"snpp: {command[:4].strip()} answered {answer[:3]}")
    writer.write(b"QUIT\r\n")  # not waited for: the page is taken, whatever becomes of the goodbye
    if answer.startswith("250"):
        return Accepted(provider_ref=answer[4:].strip()[:100] or None)
    return Accepted(provider_ref=" ".join(answer.split()[1:3]) or None)  # message tag and pass code


async def _answer(reader: asyncio.StreamReader) -> str:
    line = await reader.readline()
    if not line:
        raise asyncio.IncompleteReadError(b"", None)
    return line.decode("ascii", "replace").strip()


def _reply(answer: str) -> Reply | None:
    """888 carries a multiple-choice code, 889 words, each after a sequence number and a time; every other answer is none.

    >>> _reply("888 1 20260301120500+0 01"), _reply("889 1 20260301120500+0 No, in theatre"), _reply("860 1 20260301120500+0 delivered")
    ('acknowledge', 'decline', None)
    """
    code, _, rest = answer.partition(" ")
    said = rest.split()[2:]
    if code == "888" and said:
        return REPLIES.get(said[0].zfill(2))
    return understood(" ".join(said)).reply if code == "889" else None


def _is_permanent(answer: str) -> bool:
    """RFC 1861, 3: 421 is the gateway closing down, 554 a failure of the moment; 550 refuses this page, 500 and 503 this dialogue."""
    return answer[:3] in ("500", "503", "550")
