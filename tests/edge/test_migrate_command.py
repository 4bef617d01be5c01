"""`vigil migrate` as a hospital's deployment calls it, on a database of the hospital's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.settings import Settings
from tests import databases
from tests.databases import ON_EACH_DATABASE


def migrate(home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {f"VIGIL_DATABASE__{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-W", "ignore", "-m", "infra.main", "migrate", "--json", "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, env=environment)


def test_it_makes_the_schema_once_and_says_so(settings: Settings, tmp_path: Path) -> None:
    with databases.empty() as url:
        first, second = (json.loads(migrate(tmp_path, url=url).stdout)["migrations"] for _ in range(2))
    assert first > 0
    assert second == 0


@ON_EACH_DATABASE
def test_it_keeps_facts_as_long_as_the_settings_say(postgres_url: str, tmp_path: Path) -> None:
    answer = json.loads(migrate(tmp_path, url=postgres_url, keep_messages_days="90").stdout)
    assert {one["facts"]: one["days"] for one in answer["kept"]} == {"messages": 90, "observations": 0, "scores": 0}


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({}, 3, "nothing runs"),
        ({"url": "postgresql://nobody@127.0.0.1:1/none"}, 3, "did not answer"),
        ({"keep_messages_days": "7"}, 2, "at least 30"),
    ],
)
def test_what_it_cannot_do_is_told_in_two_lines(settings: Settings, tmp_path: Path, given: dict[str, str], status: int, said: str) -> None:
    with databases.plain() as url:
        done = migrate(tmp_path, **({"url": url} if "keep_messages_days" in given else {}), **given)
    assert done.returncode == status
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2
