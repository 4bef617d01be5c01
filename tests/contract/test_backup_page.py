"""The page on backups is true: each command on it exists and takes what it is given there, and so does each setting."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import msgspec
import pytest

from infra.main.cli import vigil
from infra.settings import DatabaseSettings

PAGE = Path(__file__).parents[2] / "infra" / "docs" / "backup.md"
INDENTED = [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    ")]
COMMANDS = [line.split("#")[0] for line in INDENTED if line.startswith("vigil ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_takes_what_the_page_gives_it(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "backup" / "copies").mkdir(parents=True)
    (tmp_path / ".vigil").mkdir()
    words = [word.replace("/backup", str(tmp_path / "backup")) for word in shlex.split(line)[1:]]
    command: click.Command = vigil
    context = click.Context(vigil)
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None, line
        command = found
    command.make_context("vigil", words)


def test_each_setting_on_the_page_is_one() -> None:
    text = "\n".join(line.split("#")[0] for line in INDENTED if re.match(r"[a-z_]+ = ", line))
    assert msgspec.convert(tomllib.loads(text), DatabaseSettings).keep_messages_days == 90
    assert len(COMMANDS) > 8
