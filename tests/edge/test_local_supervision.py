"""The real supervisor over small programs: what dies comes back, what cannot start is tried on, and nothing is ever left behind."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.local import supervision
from infra.local.programs import Program


def program(name: str, source: str, *, stops: int = 5) -> Program:
    return Program(name=name, command=[sys.executable, "-c", source], stops=stops, kind="running", stop_s=5)


SLEEPER = program("sleeper", "import time; time.sleep(600)")
BROKEN = program("broken", "raise SystemExit(1)")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "a home"
    yield place
    supervision.stop(place)
    assert supervision.leftovers(place) == []


def eventually(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert held


def seen(home: Path, name: str) -> dict[str, Any]:
    return next(one for one in supervision.processes(home) if one["name"] == name)


def running(home: Path, name: str) -> bool:
    return bool(supervision.processes(home)) and bool(seen(home, name)["running"])


def supervisor_pid(home: Path) -> int:
    return int((home / "supervisor" / "supervisord.pid").read_text())


def test_a_killed_process_comes_back_and_is_counted(home: Path) -> None:
    supervision.start(home, [SLEEPER])
    eventually(lambda: running(home, "sleeper"))
    assert seen(home, "sleeper")["restarts"] == 0
    first = seen(home, "sleeper")["pid"]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: running(home, "sleeper") and seen(home, "sleeper")["pid"] != first)
    assert seen(home, "sleeper")["restarts"] == 1


def test_one_that_cannot_start_is_tried_again_and_keeps_no_other_from_running(home: Path) -> None:
    supervision.start(home, [BROKEN, SLEEPER])
    eventually(lambda: seen(home, "broken")["restarts"] >= 2)
    assert not running(home, "broken")
    assert running(home, "sleeper")


SIGNER = """import pathlib, signal, sys

def sign(*_):
    with pathlib.Path(sys.argv[1]).open("a") as book:
        book.write(sys.argv[2])
    sys.exit()

signal.signal(signal.SIGTERM, sign)
pathlib.Path(sys.argv[1] + sys.argv[2]).touch()
while True:
    signal.pause()
"""


def test_everything_stops_in_the_planned_order(home: Path) -> None:
    script, book = home.parent / "signer.py", home.parent / "book"
    script.write_text(SIGNER)
    chosen = [
        Program(name=name, command=[sys.executable, str(script), str(book), name], stops=stops, kind="running", stop_s=5)
        for name, stops in (("b", 2), ("c", 3), ("a", 1))
    ]
    supervision.start(home, chosen)
    eventually(lambda: all(running(home, name) and Path(f"{book}{name}").exists() for name in "abc"))
    assert supervision.stop(home)
    assert book.read_text() == "abc"
    assert not supervision.alive(home)


def test_what_a_killed_supervisor_left_is_found_and_ended(home: Path) -> None:
    supervision.start(home, [SLEEPER])
    eventually(lambda: running(home, "sleeper"))
    orphan = psutil.Process(seen(home, "sleeper")["pid"])
    os.kill(supervisor_pid(home), signal.SIGKILL)
    eventually(lambda: not supervision.alive(home))
    assert supervision.processes(home) == []
    assert [one.pid for one in supervision.leftovers(home)] == [orphan.pid]
    assert supervision.stop(home)
    assert not orphan.is_running()


def test_after_a_killed_supervisor_the_same_home_starts_again(home: Path) -> None:
    supervision.start(home, [SLEEPER])
    os.kill(supervisor_pid(home), signal.SIGKILL)
    supervision.stop(home)
    supervision.start(home, [SLEEPER])
    eventually(lambda: running(home, "sleeper"))
    assert seen(home, "sleeper")["restarts"] == 0


def test_one_homes_processes_are_not_anothers(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "a home too"
    try:
        supervision.start(home, [SLEEPER])
        supervision.start(other, [SLEEPER])
        assert supervision.stop(home)
        assert supervision.alive(other)
        assert not supervision.stop(home)
    finally:
        supervision.stop(other)
