"""The README is true: its commands, in its order, on an installation of their own."""

import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.hl7 import SICK, adt, oru

README = Path(__file__).parents[2] / "README.md"
COMMANDS = [line.strip().split("#")[0].strip() for line in README.read_text().splitlines() if line.startswith("    .venv/bin/vigil ")]
TOUR = COMMANDS[: next(number for number, one in enumerate(COMMANDS, 1) if one.endswith(" down"))]
"""From `up` to `down`; what stands below is for when something is wrong."""
pytestmark = pytest.mark.xdist_group("installations")

PSV = "HR|O2Sat|Temp|SBP|MAP|DBP|Resp|Age|Gender|Unit1|Unit2|HospAdmTime|ICULOS|SepsisLabel\n80|97|37|120|80|60|15|64|1|1|0|-3|1|0\n85|96|37|118|80|60|16|64|1|1|0|-3|2|0\n"


def test_the_commands_of_the_readme_do_what_it_says(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    (tmp_path / "my-messages.hl7").write_bytes(
        adt("A01", "1", now - timedelta(hours=2)) + b"\n" + oru("1", now - timedelta(minutes=1), SICK)
    )
    (tmp_path / "DIR").mkdir()
    (tmp_path / "DIR" / "p1.psv").write_text(PSV)
    environment = os.environ | {"VIGIL_HOME": str(tmp_path / "home")}
    assert [shlex.split(command)[1] for command in TOUR] == ["up", "send", "parse", "audit", "replay", "down"]
    answers = []
    for command in TOUR:
        arguments = [sys.executable, "-W", "ignore", "-m", "infra.main", *shlex.split(command)[1:]]
        answers.append(
            subprocess.run(
                arguments, cwd=tmp_path, env=environment | {"PYTHONPATH": str(README.parent)}, capture_output=True, text=True, check=False
            )
        )
    assert [answer.returncode for answer in answers] == [0] * len(TOUR), [answer.stderr for answer in answers]
    assert "2 AA" in answers[1].stdout
    assert "0 gaps" in answers[3].stdout


@pytest.mark.parametrize("command", COMMANDS[len(TOUR) :])
def test_the_other_commands_exist_with_their_options(command: str) -> None:
    _, *words = shlex.split(command)
    names = [word for word in words if re.fullmatch(r"[a-z]+", word)]
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "infra.main", *names, "--help"], capture_output=True, text=True, check=True
    )
    assert [word for word in words if word.startswith("--") and word not in told.stdout] == []


def test_every_file_the_readme_names_is_there() -> None:
    text = README.read_text()
    named = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r"`((?:parsers|streams|scoring|alerts|infra)/[\w./-]+)`", text)
    assert len(named) > 8
    assert [name for name in named if not (README.parent / name).exists()] == []
