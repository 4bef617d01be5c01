"""The command line as the contracts promise it: two installations side by side, up, status, audit, down."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

VIGIL = [sys.executable, "-W", "ignore", "-m", "infra.main"]
pytestmark = pytest.mark.xdist_group("installations")


def vigil(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*VIGIL, *arguments], capture_output=True, text=True, check=False, timeout=200)


def test_two_homes_run_side_by_side_with_a_demo_ward_each(tmp_path: Path) -> None:
    homes = [str(tmp_path / name) for name in ("one", "two")]
    try:
        for home in homes:
            up = vigil("up", "--demo", "--speed", "60", "--detach", "--home", home)
            assert up.returncode == 0, up.stderr
        statuses = [json.loads(vigil("status", "--json", "--home", home).stdout) for home in homes]
        for home, status in zip(homes, statuses, strict=True):
            assert status["home"] == home
            assert status["ready"] is True
            assert {"kafka", "postgres", "triton", "listen", "work", "page", "board"} <= {one["name"] for one in status["processes"]}
            assert [one for one in status["processes"] if not one["pid"] or one["restarts"]] == []
            assert {"feed", "host", "port", "tls"} <= set(status["mllp"][0])
            assert {"listen", "work", "page", "board", "triton"} <= set(status["metrics"])
        assert statuses[0]["kafka"] != statuses[1]["kafka"]
        for home in homes:
            audit = vigil("audit", "--json", "--home", home)
            assert audit.returncode == 0
            assert {"in_kafka", "recorded", "stored", "duplicate", "quarantined", "gaps", "oldest_unprocessed_s"} <= set(
                json.loads(audit.stdout)
            )
    finally:
        for home in homes:
            assert vigil("down", "--home", home).returncode == 0
    again = vigil("up", "--detach", "--home", homes[0])
    assert again.returncode == 0, again.stderr
    audit = json.loads(vigil("audit", "--json", "--home", homes[0]).stdout)
    assert audit["in_kafka"] == audit["recorded"] > 0
    assert vigil("down", "--home", homes[0]).returncode == 0
    for home in homes:
        status = vigil("status", "--json", "--home", home)
        assert status.returncode == 3
        assert json.loads(status.stdout)["ready"] is False


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["status"], 3),
        (["audit"], 3),
        (["send", "README.md"], 3),
        (["page", "test", "nowhere", "1"], 2),
        (["send", "--to", "nonsense", "README.md"], 2),
        (["replay", "--source", "cinc2019", "--data", "README.md", "--speed", "0"], 2),
        (["no-such-command"], 2),
    ],
)
def test_an_error_is_told_in_two_lines_with_a_remedy(tmp_path: Path, arguments: list[str], status: int) -> None:
    position = 2 if arguments[:2] == ["page", "test"] else 1
    home = [] if arguments == ["no-such-command"] else ["--home", str(tmp_path / "empty")]
    answer = vigil(*arguments[:position], *home, *arguments[position:])
    assert answer.returncode == status
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.strip().splitlines()) >= 2


def test_parse_answers_with_the_contracts_fields(tmp_path: Path) -> None:
    file = tmp_path / "one.hl7"
    file.write_bytes(
        b"MSH|^~\\&|A|B|C|D|20260301||ORU^R01|7|P|2.5.1\nPID|1||42^^^HOSP^MR\nOBX|1|NM|8867-4^^LN||71|/min|||||F\nZZZ|1\n\nhello"
    )
    lines = [json.loads(line) for line in vigil("parse", "--json", "--home", str(tmp_path), str(file)).stdout.splitlines()]
    assert lines[0]["ack"] == "AA"
    assert lines[0]["patient"] == {"key": "HOSP:42", "authority": "HOSP", "type": "MR"}
    assert lines[0]["segments_set_aside"] == ["ZZZ"]
    assert lines[0]["events"][0]["canonical"] == {"code": "8867-4", "value_num": 71.0, "unit": "/min", "value_text": None}
    assert {
        "kind",
        "code",
        "code_system",
        "value_num",
        "value_text",
        "comparator",
        "unit",
        "observed_at",
        "status",
        "set_id",
        "sub_id",
        "flags",
    } <= set(lines[0]["events"][0])


def test_settings_tell_their_source_and_hide_secrets(tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").write_text('[database]\nurl = "postgresql://vigil:hunter2@db/vigil"\n[kafka]\nheap_mb = 300\n')
    rows = {row["setting"]: row for row in json.loads(vigil("settings", "--json", "--home", str(tmp_path)).stdout)}
    assert rows["kafka.heap_mb"] == {"setting": "kafka.heap_mb", "value": 300, "source": "vigil.toml"}
    assert rows["database.url"]["value"] == "…"
