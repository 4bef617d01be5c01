"""Channels where a peer misbehaves, Vigil's own catchers, and channels that were set up wrongly."""

import asyncio
import json
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.catchers import Book, serve
from alerts.channels.channel import Accepted, Page, Refused
from alerts.channels.configured import ChannelError, channels
from alerts.channels.snpp import Snpp
from infra.local.ports import answers
from infra.settings import ChannelSettings, PageSettings

SECRET = "whsec_dmlnaWwtZWRnZS10ZXN0LXNlY3JldC0xMjM0NTY3OA=="
PAGE = Page(
    page_id="pg-1", tier="rapid_response", unit="4W", created_at=datetime(2026, 3, 1, 12, 5, tzinfo=UTC), link="https://vigil.test/p/t0k"
)  # fmt: skip


def snpp_answers(*answers: bytes) -> Accepted | Refused:
    """What the client makes of a terminal that greets, gives these answers and hangs up."""

    async def told() -> Accepted | Refused:
        finished = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 ready\r\n")
            for answer in answers:
                await reader.readline()
                writer.write(answer)
            writer.close()
            finished.set()

        async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
            outcome = await Snpp("127.0.0.1", server.sockets[0].getsockname()[1], 10).send(PAGE, "2222")
            await finished.wait()
        return outcome

    return asyncio.run(told())


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((b"250 ok\r\n", b"250 ok\r\n", b"250 taken 77\r\n"), Accepted(provider_ref="taken 77")),
        ((b"250 ok\r\n", b"250 ok\r\n", b"960 123 456 queued\r\n"), Accepted(provider_ref="123 456")),
        ((b"250 ok\r\n", b"250 ok\r\n"), Refused(permanent=False, detail="snpp: IncompleteReadError", unknown=True)),
        ((b"421 closing\r\n",), Refused(permanent=False, detail="snpp: PAGE answered 421")),
        ((b"250 ok\r\n", b"550 too long\r\n"), Refused(permanent=True, detail="snpp: MESS answered 550")),
        ((b"x" * 100_000,), Refused(permanent=False, detail="snpp: ValueError")),
    ],
)
def test_a_page_is_taken_only_where_send_was_answered_so_even_if_the_terminal_hangs_up(
    answers: Sequence[bytes], expected: Accepted | Refused
) -> None:
    assert snpp_answers(*answers) == expected


def free_ports() -> tuple[int, int, int]:
    sockets = [socket.socket() for _ in range(3)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    first, second, third = (int(one.getsockname()[1]) for one in sockets)
    for one in sockets:
        one.close()
    return first, second, third


def opened(ports: Sequence[int]) -> None:
    """Waits until all of them take connections."""
    deadline = time.monotonic() + 30
    for port in ports:
        while not answers(port):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_vigils_own_catchers_write_down_what_each_channel_sends(tmp_path: Path) -> None:
    ports = free_ports()
    settings = PageSettings(
        channels={
            "pager": ChannelSettings(kind="snpp", address=f"127.0.0.1:{ports[0]}"),
            "mail": ChannelSettings(kind="smtp", address=f"127.0.0.1:{ports[1]}"),
            "hook": ChannelSettings(kind="webhook", address=f"http://127.0.0.1:{ports[2]}/", secret=SECRET, allow_private=True),
        }
    )

    async def told() -> list[Accepted | Refused]:
        stopping = asyncio.Event()
        catching = asyncio.create_task(serve(Book(tmp_path / "pages.jsonl"), ports, stopping))
        await asyncio.to_thread(opened, ports)
        ways = channels(settings)
        outcomes = [await ways[name].send(PAGE, target) for name, target in (("pager", "2222"), ("mail", "d@h.test"), ("hook", ""))]
        stopping.set()
        await catching
        return outcomes

    assert all(isinstance(outcome, Accepted) for outcome in asyncio.run(told()))
    caught = [json.loads(line) for line in (tmp_path / "pages.jsonl").read_text().splitlines()]
    assert [(page["channel"], page["target"]) for page in caught] == [("snpp", "2222"), ("smtp", "d@h.test"), ("webhook", "")]
    assert all("https://vigil.test/p/t0k" in page["text"] for page in caught)


@pytest.mark.parametrize(("kind", "address"), [("pigeon", "roof:1"), ("snpp", "roof"), ("smtp", ":25")])
def test_a_wrong_channel_is_refused_with_a_remedy(kind: str, address: str) -> None:
    with pytest.raises(ChannelError, match=r"use snpp, wctp, .* or apprise|write it like"):
        channels(PageSettings(channels={"one": ChannelSettings(kind=kind, address=address)}))
