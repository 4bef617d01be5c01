"""The faults' installation, one at a time whatever the tests ask for, and the report of what each fault did."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.fault.hospital import USUAL, Hospital, Layout
from tests.fault.trial import Line, Trial

LINES = pytest.StashKey[list[Line]]()
COLUMNS = (
    "fault",
    "title",
    "strikes",
    "acknowledged",
    "refused",
    "lost",
    "twice",
    "pages",
    "again",
    "put_aside",
    "recovery_s",
    "median_s",
    "rate",
    "seconds",
    "passed",
)


class Hospitals:
    """Hands out an installation of a layout; another layout ends the one before."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._present: Hospital | None = None

    def of(self, layout: Layout, prepare: Callable[[Path], None] = lambda _: None) -> Hospital:
        """The installation that runs, where it is of this layout, else a new one."""
        if self._present is None or self._present.layout != layout:
            self.close()
            self._present = Hospital(self._folder(), layout, prepare)
        return self._present

    def close(self) -> None:
        """Ends what runs; its logs stay where pytest keeps temporary folders."""
        present, self._present = self._present, None
        if present is not None:
            present.down()
            for data in ("kafka", "postgres"):
                shutil.rmtree(present.home / data, ignore_errors=True)


@pytest.fixture(scope="session")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospitals]:
    found = Hospitals(lambda: tmp_path_factory.mktemp("faults"))
    yield found
    found.close()


@pytest.fixture
def hospital(hospitals: Hospitals) -> Hospital:
    """The usual one: three workers, two pagers, one broker."""
    return hospitals.of(USUAL)


@pytest.fixture
def lines(request: pytest.FixtureRequest) -> list[Line]:
    """Where trials report."""
    return request.config.stash.setdefault(LINES, [])


Try = Callable[..., Trial]


@pytest.fixture
def trial(lines: list[Line]) -> Try:
    """Makes a trial: `with trial(hospital, 3, "worker killed") as …`."""

    def make(hospital: Hospital, fault: int, title: str, **how: object) -> Trial:
        return Trial(hospital, Line(fault=fault, title=title), lines, **how)  # type: ignore[arg-type]

    return make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = sorted(config.stash.get(LINES, []), key=lambda line: line.fault)
    if not lines:
        return
    rows = [[str(asdict(line)[name]) for name in COLUMNS] for line in lines]
    widths = [max(len(row[column]) for row in [list(COLUMNS), *rows]) for column in range(len(COLUMNS))]
    terminalreporter.section("faults")
    for row in [list(COLUMNS), *rows]:
        terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    if config.cache is not None:
        config.cache.set("vigil/faults", [asdict(line) for line in lines])
