"""A tool that is missing is told in two lines, with the command that brings it."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from infra.local.places import REPOSITORY, NotInstalled, need_finished
from infra.local.ports import HOST
from infra.main.doctor import checks

PLAIN = ("bash", "cat", "sha256sum", "cut", "dirname", "sed", "rm")


def machine(folder: Path, *more: str) -> Path:
    """A folder for PATH that holds little."""
    folder.mkdir()
    for name in (*PLAIN, *more):
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    return folder


def set_up(part: str, path: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": str(path), "VIGIL_CACHE": str(cache)}
    return subprocess.run([REPOSITORY / "infra" / "local" / "setup.sh", part], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("part", "there", "wrong", "remedy"),
    [
        ("kafka", (), "Java 17", "openjdk-17-jre-headless"),
        ("kafka", ("java",), "Maven", "maven"),
        ("triton", (), "Python 3.11 or 3.12", "python3-venv"),
    ],
)
def test_setting_up_without_a_tool_tells_which_and_how_to_get_it(
    tmp_path: Path, part: str, there: tuple[str, ...], wrong: str, remedy: str
) -> None:
    answer = set_up(part, machine(tmp_path / "bin", *there), tmp_path / "cache")
    assert answer.returncode == 3
    first, second = answer.stderr.splitlines()
    assert wrong in first
    assert second.startswith("install it: apt-get install") and remedy in second


def test_a_part_that_is_set_up_is_left_alone_without_any_tool(tmp_path: Path) -> None:
    cache = Path(os.environ.get("VIGIL_CACHE") or REPOSITORY / ".cache")
    answer = set_up("kafka", machine(tmp_path / "bin"), cache)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_a_part_that_was_interrupted_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    (tmp_path / "some.jar").touch()
    with pytest.raises(NotInstalled, match="make setup"):
        need_finished(tmp_path, "Kafka")
    (tmp_path / "done-1").touch()
    assert need_finished(tmp_path, "Kafka") == tmp_path


def test_the_doctor_names_a_fixed_port_that_somebody_else_has(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        (tmp_path / "vigil.toml").write_text(f"[board]\nport = {port}\n")
        assert str(port) in str(dict(checks(tmp_path))["ports that vigil.toml names"]())
    assert dict(checks(tmp_path))["ports that vigil.toml names"]() is None


def test_the_doctor_finds_java_missing_where_no_java_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dict(checks(tmp_path))["Java 17"]() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "openjdk-17" in str(dict(checks(tmp_path))["Java 17"]())
