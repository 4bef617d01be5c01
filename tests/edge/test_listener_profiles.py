"""A feed's profile at the listener, and both acknowledgements of enhanced mode, on a real Kafka and real sockets."""

import asyncio
from pathlib import Path

import pytest

from infra.settings import FeedSettings
from parsers.mllp import Decoder, Frame, encode
from parsers.profile_files import ProfileFault
from streams.sender import send_all
from tests.corpus import PV1, VITALS, message
from tests.listening import listening, run, settled

PROFILE = '[patient]\nauthorities = ["EAST"]\n[messages]\nsequence_numbers = "refuse"\n'
RAW = message("ORU^R01", "PID|1||42^^^HOSP^MR~43^^^EAST^MR", PV1, VITALS[0])


def test_a_message_lies_under_the_key_that_its_feeds_profile_chooses(kafka_bootstrap: str, tmp_path: Path) -> None:
    profile = tmp_path / "site.toml"
    profile.write_text(PROFILE)
    kept = RAW.replace(b"|C1|", b"|PROFILED|")
    counted = RAW.replace(b"|C1|", b"|COUNTED|").replace(b"|2.5.1\r", b"|2.5.1|7\r")

    async def story() -> None:
        async with listening(kafka_bootstrap, FeedSettings(profile=str(profile))) as port:
            report = await send_all([kept, counted], host="127.0.0.1", port=port)
        assert (report.aa, report.ar) == (1, 1)

    run(story)
    found = settled(kafka_bootstrap, {"PROFILED", "COUNTED"})
    assert found["PROFILED"]["key"] == "EAST:43"
    assert found["COUNTED"]["reason"].startswith("207: MSH-13: the sequence number protocol is not spoken here")


def test_a_profile_that_cannot_be_used_stops_the_listener_before_it_opens_a_port(tmp_path: Path) -> None:
    profile = tmp_path / "site.toml"
    profile.write_text("[patients]\n")

    async def story() -> None:
        with pytest.raises(ProfileFault, match="patients"):
            async with listening("127.0.0.1:1", FeedSettings(profile=str(profile))):
                pass

    run(story)


def test_our_sender_takes_two_answers_for_what_they_are(kafka_bootstrap: str) -> None:
    good = RAW.replace(b"|2.5.1\r", b"|2.5.1|||AL|AL\r")
    nobody = good.replace(b"42^^^HOSP^MR~43^^^EAST^MR", b"")
    messages = [(nobody if number % 3 == 1 else good).replace(b"|C1|", f"|TWO{number}|".encode()) for number in range(9)]

    async def story() -> None:
        async with listening(kafka_bootstrap, FeedSettings(acknowledge="enhanced")) as port:
            report = await send_all(messages, host="127.0.0.1", port=port)
        assert (report.sent, report.aa, report.ae, report.no_ack) == (9, 6, 3, 0)

    run(story)


@pytest.mark.parametrize(
    ("wants", "answers"), [(b"AL|AL", ["CA", "AA"]), (b"AL|NE", ["CA"]), (b"NE|AL", ["AA"]), (b"AL|ER", ["CA"]), (b"|", ["AA"])]
)
def test_a_sender_in_enhanced_mode_gets_what_it_asks_for(kafka_bootstrap: str, wants: bytes, answers: list[str]) -> None:
    first = RAW.replace(b"|C1|", b"|FIRST|").replace(b"|2.5.1\r", b"|2.5.1|||" + wants + b"\r")
    last = RAW.replace(b"|C1|", b"|LAST|")

    async def story() -> None:
        async with listening(kafka_bootstrap, FeedSettings(acknowledge="enhanced")) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(encode(first) + encode(last))
            decoder, found = Decoder(10_000), list[tuple[str, str]]()
            while ("AA", "LAST") not in found:
                for one in decoder.receive(await asyncio.wait_for(reader.read(4096), 30)):
                    assert isinstance(one, Frame)
                    fields = one.content.decode().split("\r")[1].split("|")
                    found.append((fields[1], fields[2]))
            writer.close()
            await writer.wait_closed()
        assert found == [*((code, "FIRST") for code in answers), ("AA", "LAST")]

    run(story)
