"""The listener on a real Kafka and real sockets: acknowledged only when stored, and nobody can hurt anybody else."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from infra.settings import FeedSettings
from parsers.mllp import Decoder, Frame, encode
from streams.sender import MllpSender, NotAnswered, answer_of, send_all
from tests.hl7 import WELL, oru
from tests.listening import NOW, listening, run, settled


def test_what_is_answered_aa_lies_on_kafka_with_its_headers_under_the_patients_key(kafka_bootstrap: str) -> None:
    async def story() -> None:
        async with listening(kafka_bootstrap) as port:
            report = await send_all(
                [oru("71", NOW, WELL, control_id=f"AA{n}") for n in range(20)], host="127.0.0.1", port=port, connections=3
            )
        assert (report.aa, report.no_ack) == (20, 0)

    run(story)
    found = settled(kafka_bootstrap, {f"AA{n}" for n in range(20)})
    assert len(found) == 20
    assert {name: content for name, content in found["AA0"].items() if name != "value"} == {
        "received_at": NOW.isoformat(), "feed": "main", "control_id": "AA0", "sent_by": "EHR|HOSP", "key": "HOSP:71", "topic": "hl7.oru",
    }  # fmt: skip


def test_what_is_refused_is_kept_too_with_its_reason(kafka_bootstrap: str) -> None:
    async def story() -> None:
        async with listening(kafka_bootstrap) as port:
            report = await send_all([oru("72", NOW, WELL, control_id="AE1").replace(b"72^^^HOSP^MR", b"")], host="127.0.0.1", port=port)
        assert report.ae == 1

    run(story)
    assert settled(kafka_bootstrap, {"AE1"})["AE1"]["reason"] == "101: PID-3: the patient identifier is missing"


def test_without_kafka_nothing_is_answered_aa() -> None:
    async def story() -> None:
        async with listening("127.0.0.1:1") as port:
            sender = MllpSender(answer_s=2.0)
            await sender.connect("127.0.0.1", port)
            with pytest.raises(NotAnswered):
                await sender.send(oru("73", NOW, WELL))
            await sender.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streams.listener.STOP_S", 0.2)
        patch.setattr("streams.producer.DELIVERY_S", 5)
        run(story)


def test_answers_come_in_the_order_of_the_messages(kafka_bootstrap: str) -> None:
    async def story() -> None:
        async with listening(kafka_bootstrap) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            ids = [f"ORD{n}" for n in range(60)]
            writer.write(b"".join(encode(oru(str(n % 7), NOW, WELL, control_id=one)) for n, one in enumerate(ids)))
            decoder, answered = Decoder(1 << 20), list[str]()
            while len(answered) < len(ids):
                for frame in decoder.receive(await reader.read(65_536)):
                    assert isinstance(frame, Frame)
                    answered.append(frame.content.decode().split("MSA|AA|")[1].split("\r")[0])
            writer.close()
            assert answered == ids

    run(story)


def test_one_bad_client_hurts_no_other(kafka_bootstrap: str) -> None:
    """A frame without an end, 20 MB in one frame, garbage, and somebody who never reads: the good client is answered all the while."""

    async def story() -> None:
        async with listening(kafka_bootstrap, max_frame_bytes=1_000_000, idle_s=1.0) as port:
            endless_reader, endless = await asyncio.open_connection("127.0.0.1", port)
            endless.write(b"\x0bMSH|^~\\&|never ending")
            _, garbage = await asyncio.open_connection("127.0.0.1", port)
            garbage.write(bytes(range(256)) * 400)
            _, deaf = await asyncio.open_connection("127.0.0.1", port)
            deaf.write(b"".join(encode(oru(str(n), NOW, WELL)) for n in range(200)))
            large = MllpSender()
            await large.connect("127.0.0.1", port)
            huge = await large.send(oru("1", NOW, WELL, control_id="HUGE") + b"OBX|9|TX|X^X^L||" + b"x" * 20_000_000)
            report = await send_all([oru(str(n), NOW, WELL) for n in range(100)], host="127.0.0.1", port=port, connections=4)
            assert report.aa == 100
            assert answer_of(huge) == "AR"
            assert b"longer than this feed allows" in huge
            assert await endless_reader.read() == b""
            assert answer_of(await large.send(oru("1", NOW, WELL))) == "AA"
            for writer in (endless, garbage, deaf):
                writer.close()
            await large.close()

    run(story)


def test_five_hundred_connections_are_all_served(kafka_bootstrap: str) -> None:
    async def story() -> None:
        async with listening(kafka_bootstrap) as port:
            report = await send_all([oru(str(n), NOW, WELL) for n in range(1500)], host="127.0.0.1", port=port, connections=500)
            assert (report.aa, report.no_ack) == (1500, 0)

    run(story)


def test_beyond_the_limit_connections_are_closed_and_the_open_ones_served(kafka_bootstrap: str) -> None:
    async def story() -> None:
        async with listening(kafka_bootstrap, max_connections=2) as port:
            senders = [MllpSender(answer_s=5.0) for _ in range(3)]
            for sender in senders:
                await sender.connect("127.0.0.1", port)
                await asyncio.sleep(0.1)
            assert answer_of(await senders[0].send(oru("1", NOW, WELL))) == "AA"
            with pytest.raises(NotAnswered):
                await senders[2].send(oru("1", NOW, WELL))
            for sender in senders:
                await sender.close()

    run(story)


def test_mutual_tls_lets_in_whoever_shows_a_certificate_of_the_right_authority(kafka_bootstrap: str, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    server, client, foreign = (
        authority.issue_cert("localhost"),
        authority.issue_cert("engine@hospital.test"),
        stranger.issue_cert("x@elsewhere.test"),
    )
    server.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    server.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    feed = FeedSettings(tls_cert=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem"), tls_client_ca=str(tmp_path / "ca.pem"))

    def context(shown: trustme.LeafCert | None) -> ssl.SSLContext:
        one = ssl.create_default_context()
        authority.configure_trust(one)
        one.check_hostname = False
        if shown is not None:
            shown.configure_cert(one)
        return one

    async def story() -> None:
        async with listening(kafka_bootstrap, feed) as port:
            for shown, welcome in ((client, True), (foreign, False), (None, False)):
                sender = MllpSender(answer_s=5.0)
                try:
                    await sender.connect("127.0.0.1", port, context(shown))
                    answered = answer_of(await sender.send(oru("1", NOW, WELL))) == "AA"
                except (NotAnswered, OSError):
                    answered = False
                assert answered is welcome
                await sender.close()

    run(story)


def test_enhanced_feeds_answer_with_commits(kafka_bootstrap: str) -> None:
    raw = oru("1", NOW, WELL).replace(b"|P|2.5.1", b"|P|2.5.1|||AL|NE")

    async def story() -> None:
        for mode, code in (("original", b"MSA|AA"), ("enhanced", b"MSA|CA")):
            feed = FeedSettings(acknowledge="enhanced" if mode == "enhanced" else "original")
            async with listening(kafka_bootstrap, feed) as port:
                sender = MllpSender()
                await sender.connect("127.0.0.1", port)
                assert code in await sender.send(raw)
                await sender.close()

    run(story)
