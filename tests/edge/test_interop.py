"""Clients and a server that no one here wrote: HAPI in Java, python-hl7's mllp_send; plain and over TLS."""

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hl7
import pytest
import trustme
from hl7.mllp import open_hl7_connection

from infra.local.ports import choose
from infra.main.benches import hapi_java
from infra.settings import FeedSettings
from parsers.mllp import encode
from streams.sender import send_all
from tests.hl7 import WELL, adt, oru
from tests.listening import NOW as NOON
from tests.listening import listening, run, settled

CACHE = Path(__file__).parents[2] / ".cache"
MESSAGES = 12
WITHIN_S = 90


@pytest.fixture(scope="module")
def hapi() -> None:
    """HAPI is there; elsewhere these tests are skipped, and say why."""
    try:
        hapi_java.classpath(CACHE)
    except hapi_java.Absent as absent:
        pytest.skip(f"HAPI is left out: {absent}")


def messages(tag: str) -> list[bytes]:
    """Admissions and results, each with a control id of its own."""
    return [
        adt("A01", f"{tag}{number}", NOON, control_id=f"{tag}{number}")
        if number % 3 == 0
        else oru(f"{tag}{number}", NOON, WELL, control_id=f"{tag}{number}")
        for number in range(MESSAGES)
    ]


def files(folder: Path, tag: str) -> tuple[Path, Path]:
    """The same messages in frames, and each ended by FS."""
    framed, ended = folder / "framed.hl7", folder / "ended.fs"
    framed.write_bytes(b"".join(encode(message) for message in messages(tag)))
    ended.write_bytes(hapi_java.FS.join(messages(tag)))
    return framed, ended


@pytest.fixture
def certified(tmp_path: Path) -> tuple[FeedSettings, trustme.CA, Path]:
    """A feed with TLS, the authority that signed its certificate, and that authority's own certificate as a file."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    chain, key, root = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "root.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    root.write_bytes(authority.cert_pem.bytes())
    return FeedSettings(tls_cert=str(chain), tls_key=str(key)), authority, root


async def output(command: list[str]) -> list[str]:
    """The lines that a program printed; it must end well."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(WITHIN_S):
        printed, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return printed.decode().splitlines()


@pytest.mark.usefixtures("hapi")
def test_hapis_client_is_answered_plain(kafka_bootstrap: str, tmp_path: Path) -> None:
    _, ended = files(tmp_path, "HP")

    async def story() -> None:
        async with listening(kafka_bootstrap) as port:
            answers = await output(hapi_java.command(CACHE, "Client", str(ended), "127.0.0.1", str(port), "plain"))
        assert answers == [f"AA HP{number}" for number in range(MESSAGES)]

    run(story)
    assert len(settled(kafka_bootstrap, {f"HP{number}" for number in range(MESSAGES)})) == MESSAGES


@pytest.mark.usefixtures("hapi")
def test_hapis_client_is_answered_over_tls(kafka_bootstrap: str, tmp_path: Path, certified: tuple[FeedSettings, trustme.CA, Path]) -> None:
    feed, _, root = certified
    _, ended = files(tmp_path, "HT")
    store = tmp_path / "trusted.p12"
    keytool = shutil.which("keytool")
    assert keytool is not None
    subprocess.run(
        [keytool, "-importcert", "-noprompt", "-alias", "root", "-file", str(root), "-keystore", str(store), "-storepass", "changeit"],
        check=True, capture_output=True,
    )  # fmt: skip
    trust = (f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit")

    async def story() -> None:
        async with listening(kafka_bootstrap, feed) as port:
            answers = await output(hapi_java.command(CACHE, "Client", str(ended), "127.0.0.1", str(port), "tls", properties=trust))
        assert answers == [f"AA HT{number}" for number in range(MESSAGES)]

    run(story)


@pytest.mark.usefixtures("hapi")
def test_hapi_understands_a_commit_acknowledgement(kafka_bootstrap: str, tmp_path: Path) -> None:
    ended = tmp_path / "enhanced.fs"
    ended.write_bytes(oru("1", NOON, WELL, control_id="HC1").replace(b"|2.5.1\r", b"|2.5.1|||AL|NE\r"))

    async def story() -> None:
        async with listening(kafka_bootstrap, FeedSettings(acknowledge="enhanced")) as port:
            answers = await output(hapi_java.command(CACHE, "Client", str(ended), "127.0.0.1", str(port), "plain"))
        assert answers == ["CA HC1"]

    run(story)


@pytest.fixture
def hapi_server(hapi: None, tmp_path: Path) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """HAPI's server and its port."""
    port = choose(tmp_path / "ports.json", ["hapi"])["hapi"]
    with subprocess.Popen(
        hapi_java.command(CACHE, "Server", str(port)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield port, server
        server.kill()


def test_our_sender_is_answered_by_hapis_server(hapi_server: tuple[int, "subprocess.Popen[str]"]) -> None:
    port, server = hapi_server
    report = asyncio.run(send_all(messages("HS"), host="127.0.0.1", port=port, connections=2))
    assert (report.sent, report.aa, report.no_ack) == (MESSAGES, MESSAGES, 0)
    printed, _ = server.communicate(timeout=WITHIN_S)
    assert sorted(printed.split()[1::2]) == sorted(f"HS{number}" for number in range(MESSAGES))


def test_vigil_send_is_answered_by_hapis_server(hapi_server: tuple[int, "subprocess.Popen[str]"], tmp_path: Path) -> None:
    port, _ = hapi_server
    framed, _ = files(tmp_path, "HV")
    command = [sys.executable, "-W", "ignore", "-m", "infra.main", "send", "--json", "--to", f"127.0.0.1:{port}", str(framed)]
    answer = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=WITHIN_S, env=os.environ | {"VIGIL_HOME": str(tmp_path)}
    )
    assert f'"aa":{MESSAGES}' in answer.stdout


def test_mllp_send_is_answered_plain(kafka_bootstrap: str, tmp_path: Path) -> None:
    framed, _ = files(tmp_path, "MP")
    program = Path(sys.executable).parent / "mllp_send"

    async def story() -> None:
        async with listening(kafka_bootstrap) as port:
            printed = await output([str(program), "--port", str(port), "--file", str(framed), "127.0.0.1"])
        answers = [line for text in printed for line in text.split("\r") if line.startswith("MSA")]
        assert answers == [f"MSA|AA|MP{number}" for number in range(MESSAGES)]

    run(story)
    assert len(settled(kafka_bootstrap, {f"MP{number}" for number in range(MESSAGES)})) == MESSAGES


def test_python_hl7_is_answered_over_tls(kafka_bootstrap: str, certified: tuple[FeedSettings, trustme.CA, Path]) -> None:
    feed, authority, _ = certified
    context = ssl.create_default_context()
    authority.configure_trust(context)

    async def story() -> None:
        async with listening(kafka_bootstrap, feed) as port:
            reader, writer = await open_hl7_connection("127.0.0.1", port, ssl=context)
            for raw in messages("MT"):
                writer.writemessage(hl7.parse(raw.decode()))
                await writer.drain()
                answer = await asyncio.wait_for(reader.readmessage(), WITHIN_S)
                assert (str(answer["MSA.F1.R1"]), str(answer["MSA.F2.R1"])) == ("AA", raw.decode().split("|")[9])
            writer.close()
            await writer.wait_closed()

    run(story)
