"""`vigil send` and what is behind it: every message answered or named, over connections that break, in order where order matters."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from infra.local.ports import choose
from streams.sender import SendReport, send_all
from tests.hl7 import WELL, oru
from tests.listening import NOW, process
from tests.taker import Taker

VIGIL = [sys.executable, "-W", "ignore", "-m", "infra.main"]


def send(messages: list[bytes], port: int, connections: int = 1, rate: float | None = None) -> SendReport:
    return asyncio.run(send_all(messages, host="127.0.0.1", port=port, connections=connections, rate=rate))


def vigil(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*VIGIL, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_one_patients_messages_stay_in_order_over_many_connections() -> None:
    messages = [oru(str(patient), NOW, WELL, control_id=f"{patient}-{turn:02}") for turn in range(20) for patient in range(10)]
    with Taker() as taker:
        report = send(messages, taker.port, connections=8)
    names = [raw.split(b"|")[9].decode() for raw in taker.taken]
    assert (report.sent, report.aa, report.no_ack, report.unanswered) == (200, 200, 0, ())
    for patient in range(10):
        assert [name for name in names if name.startswith(f"{patient}-")] == [f"{patient}-{turn:02}" for turn in range(20)]


def test_a_message_whose_line_was_cut_is_sent_again_on_a_new_one() -> None:
    messages = [oru("1", NOW, WELL, control_id=f"M{n:02}") for n in range(30)]
    with Taker(hang_up=7) as taker:
        report = send(messages, taker.port)
    assert (report.aa, report.unanswered) == (30, ())
    assert taker.taken == messages


def test_what_is_never_answered_is_named_by_its_position_and_the_rest_is_not_waited_for() -> None:
    with Taker(hang_up=1) as taker:
        report = send([oru("1", NOW, WELL)] * 9, taker.port)
    assert (report.aa, report.no_ack, report.unanswered) == (0, 9, tuple(range(9)))


def test_an_acknowledgement_is_sent_and_not_waited_for() -> None:
    ack = b"MSH|^~\\&|A|B|C|D|20260301||ACK|1|P|2.5.1\rMSA|AA|1\r"
    with Taker() as taker:
        report = send([ack, oru("1", NOW, WELL)], taker.port)
    assert (report.aa, report.no_ack, taker.taken[0]) == (1, 0, ack)


def test_nobody_there_is_told_in_two_lines_with_the_file_and_the_place_in_it(tmp_path: Path) -> None:
    file = tmp_path / "ward.hl7"
    file.write_bytes(b"\n".join(oru(str(n), NOW, WELL).replace(b"\r", b"\n") for n in range(2)))
    port = choose(tmp_path / "nobody.json", ["mllp"])["mllp"]
    done = vigil("send", "--to", f"127.0.0.1:{port}", "--json", str(file))
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert (report["sent"], report["aa"], report["no_ack"]) == (0, 0, 2)
    assert report["unanswered"] == [f"{file}#1", f"{file}#2"]
    assert len(done.stderr.strip().splitlines()) == 2
    assert f"{file}#2" in done.stderr


def test_files_of_any_framing_go_to_the_first_feed_of_the_home_and_the_report_is_json(kafka_bootstrap: str, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    one, two = oru("1", NOW, WELL), oru("2", NOW, WELL)
    (folder / "framed.mllp").write_bytes(b"\x0b" + one + b"\x1c\r\x0b" + two + b"\x1c\r")
    (folder / "batch.hl7").write_bytes(b"FHS|^~\\&\r\nBHS|^~\\&\r\n" + (one + two).replace(b"\r", b"\r\n") + b"BTS|2\r\nFTS|1\r\n")
    (folder / "bad.hl7").write_bytes(b"no message at all\n")
    with process(tmp_path, kafka_bootstrap):
        done = vigil("send", "--home", str(tmp_path), "--connections", "3", "--json", str(folder))
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert {name: report[name] for name in ("sent", "aa", "ae", "ar", "no_ack")} == {"sent": 5, "aa": 4, "ae": 0, "ar": 1, "no_ack": 0}
    assert set(report["ack_ms"]) == {"p50", "p99"}


@pytest.mark.parametrize("shown", [True, False])
def test_it_speaks_mutual_tls(kafka_bootstrap: str, tmp_path: Path, shown: bool) -> None:
    authority = trustme.CA()
    for name, leaf in (("server", authority.issue_cert("127.0.0.1")), ("client", authority.issue_cert("engine.test"))):
        leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / f"{name}.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (tmp_path / "one.hl7").write_bytes(oru("1", NOW, WELL))
    feed = f'tls_cert = "{tmp_path}/server.pem"\ntls_client_ca = "{tmp_path}/ca.pem"\n'
    certificate = ["--tls-cert", str(tmp_path / "client.pem")] if shown else []
    with process(tmp_path, kafka_bootstrap, feed):
        done = vigil(
            "send", "--home", str(tmp_path), "--tls-ca", str(tmp_path / "ca.pem"), *certificate, "--json", str(tmp_path / "one.hl7")
        )
    assert (done.returncode, json.loads(done.stdout)["aa"]) == ((0, 1) if shown else (1, 0))


@pytest.mark.parametrize(
    ("feed", "told"),
    [('tls_cert = "/nowhere.pem"\n', "No such file"), ("", "address already in use")],
)
def test_a_listener_that_cannot_start_says_so_in_two_lines(kafka_bootstrap: str, tmp_path: Path, feed: str, told: str) -> None:
    with process(tmp_path, kafka_bootstrap, feed) as (first, _):
        if feed:
            text = first.communicate(timeout=30)[1]
            status = first.returncode
        else:
            second = vigil("listen", "--home", str(tmp_path))
            text, status = second.stderr, second.returncode
    lines = [line for line in text.strip().splitlines() if not line.startswith("{")]
    assert (status, len(lines)) == (2, 2)
    assert told.lower() in lines[0].lower()
