"""The listener's limits: what a client may cost, and that it is the client who pays."""

import asyncio
import socket
from typing import Any

import pytest

from infra.settings import FeedSettings
from parsers.mllp import encode
from streams import connection, limits
from streams.sender import MllpSender, NotAnswered, answer_of, send_all
from tests.hl7 import WELL, oru
from tests.listening import NOW, listening, run, serving, settled, until


def test_a_client_that_sends_nothing_but_noise_is_cut_off(kafka_bootstrap: str) -> None:
    async def story() -> None:
        async with listening(kafka_bootstrap) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"x" * (connection.NOISE_BYTES + 1))
            assert await reader.read() == b""
            writer.close()

    run(story)


def test_noise_around_frames_is_passed_over_however_much_of_it_there_is(kafka_bootstrap: str) -> None:
    async def story() -> None:
        async with listening(kafka_bootstrap) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(4):
                writer.write(b"y" * (connection.NOISE_BYTES // 2) + encode(oru("90", NOW, WELL)))
                assert b"MSA|AA" in await reader.readuntil(b"\x1c\r")
            writer.close()

    run(story)


def test_a_frame_that_grows_for_ever_is_cut_off(kafka_bootstrap: str) -> None:
    async def story() -> None:
        async with listening(kafka_bootstrap, max_frame_bytes=1000) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"\x0b" + b"x" * (connection.ENDLESS * 1000 + 1))
            assert await reader.read() == b""
            writer.close()

    run(story)


def test_open_frames_may_not_hold_more_than_there_is_for_all(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten clients in the middle of a large frame, room for five: some are cut off, and when they are gone the others may go on."""
    monkeypatch.setattr(limits, "HELD_BYTES", 5 * 400_000)

    async def story() -> None:
        async with listening(kafka_bootstrap) as port:
            lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(10)]
            for _, writer in lines:
                writer.write(b"\x0b" + oru("91", NOW, WELL) + b"x" * 400_000)
            await asyncio.sleep(1.0)
            assert (await send_all([oru("92", NOW, WELL)] * 20, host="127.0.0.1", port=port)).aa == 20
            open_still = 0
            for reader, writer in lines:
                writer.write(b"\x1c\r")
                open_still += b"MSA|" in await reader.read(65_536)
                writer.close()
            assert 1 <= open_still <= 5

    run(story)


def test_a_large_message_is_taken_whole_and_nobody_waits_for_its_reading(kafka_bootstrap: str) -> None:
    note = b"".join(b"OBX|%d|TX|N^Note^L||a line of a note as long as such lines are||||||F\r" % n for n in range(9, 40_000))

    async def story() -> None:
        async with listening(kafka_bootstrap) as port:
            large = MllpSender()
            await large.connect("127.0.0.1", port)
            reading = asyncio.create_task(large.send(oru("93", NOW, WELL, control_id="NOTE") + note))
            report = await send_all([oru(str(n), NOW, WELL) for n in range(200)], host="127.0.0.1", port=port, connections=4)
            assert report.aa == 200
            assert answer_of(await reading) == "AA"
            assert answer_of(await large.send(oru("93", NOW, WELL, control_id="AFTER"))) == "AA"
            await large.close()

    run(story)
    assert set(settled(kafka_bootstrap, {"NOTE", "AFTER"})) == {"NOTE", "AFTER"}


def test_a_client_that_never_reads_is_cut_off_and_what_it_sent_is_kept(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WRITE_S", 1.0)
    monkeypatch.setattr("streams.listener.CLOSE_S", 1.0)

    async def story() -> None:
        async with serving(kafka_bootstrap) as (listener, port, _):
            listener._servers[0].sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            with socket.socket() as deaf:
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                deaf.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(deaf, ("127.0.0.1", port))
                messages = b"".join(encode(oru("94", NOW, WELL, control_id=f"DEAF{n}")) for n in range(1000))
                with pytest.raises(ConnectionError):
                    while True:
                        await loop.sock_sendall(deaf, messages)
                await until(lambda: not listener._open["main"])
            assert (await send_all([oru("95", NOW, WELL)], host="127.0.0.1", port=port)).aa == 1

    run(story)
    assert settled(kafka_bootstrap, {"DEAF0"})


def test_one_feeds_connections_leave_the_other_feeds_theirs(kafka_bootstrap: str) -> None:
    async def story() -> None:
        async with serving(kafka_bootstrap, max_connections=1) as (listener, port, _):
            listener._profiles["other"] = listener._profiles["main"]
            other = await asyncio.start_server(
                lambda reader, writer: listener._connected(FeedSettings(name="other"), reader, writer), "127.0.0.1", 0
            )
            first, second = MllpSender(), MllpSender()
            await first.connect("127.0.0.1", port)
            assert answer_of(await first.send(oru("96", NOW, WELL))) == "AA"
            await second.connect("127.0.0.1", other.sockets[0].getsockname()[1])
            assert answer_of(await second.send(oru("96", NOW, WELL))) == "AA"
            third = MllpSender()
            await third.connect("127.0.0.1", port)
            with pytest.raises(NotAnswered):
                await third.send(oru("96", NOW, WELL))
            for sender in (first, second, third):
                await sender.close()
            other.close()
            await other.wait_closed()

    run(story)


def test_five_hundred_who_hang_up_leave_nothing_behind(kafka_bootstrap: str) -> None:
    async def story() -> None:
        async with serving(kafka_bootstrap) as (listener, port, metrics):
            lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(500)]
            for number, (_, writer) in enumerate(lines):
                whole = encode(oru(str(number), NOW, WELL))
                writer.write(whole if number % 2 else whole[: len(whole) // 2])
                writer.close()
            whole_ones = {"feed": "main", "type": "ORU^R01"}
            await until(lambda: metrics.registry.get_sample_value("vigil_messages_received_total", whole_ones) == 250.0)
            await until(lambda: not listener._open["main"])
            assert listener._limits._held == 0

    run(story)


def test_a_bug_on_one_connection_ends_that_one_alone_and_tells_nothing_of_the_message(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = connection.take

    def broken(content: bytes, *rest: Any, **more: Any) -> object:
        if b"BUG" in content:
            raise ValueError(content)
        return real(content, *rest, **more)

    monkeypatch.setattr(connection, "take", broken)

    async def story() -> None:
        async with listening(kafka_bootstrap) as port:
            good, bad = MllpSender(), MllpSender()
            await good.connect("127.0.0.1", port)
            await bad.connect("127.0.0.1", port)
            with pytest.raises(NotAnswered):
                await bad.send(oru("CANARY", NOW, WELL, control_id="BUG"))
            assert answer_of(await good.send(oru("97", NOW, WELL))) == "AA"
            await good.close()
            await bad.close()

    run(story)
    told = "".join(capsys.readouterr())
    assert "connection_ended_by_a_bug" in told
    assert "CANARY" not in told
