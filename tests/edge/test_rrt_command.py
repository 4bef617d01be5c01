"""`vigil rrt` as a person at a terminal uses it, over a real database."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rosters import Ward


@pytest.fixture
def ward(postgres_url: str) -> Ward:
    return Ward(postgres_url)


VIGIL = [sys.executable, "-W", "ignore", "-m", "infra.main", "rrt"]


class Terminal:
    """A person at a terminal."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        (home / "vigil.toml").write_text(
            f'[database]\nurl = "{url}"\n[clock]\nanchor = 2026-03-05T12:00:00Z\nreal_anchor = 2026-03-05T12:00:00Z\nspeed = 0.000001\n'
            '[page.channels.pager]\nkind = "snpp"\naddress = "127.0.0.1:1"\n[[page.routes]]\ntier = "rapid_response"\nchannel = "pager"\ntarget = "2222"\n'
        )

    def __call__(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run([*VIGIL, *arguments, "--home", str(self.home)], capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr


def test_a_call_from_the_terminal_from_the_first_word_to_the_report(ward: Ward, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, ward.url)
    status, out = terminal("activate", "--unit", "4W", "--bed", "12", "--for", "breathing", "--by", "Nurse", "--json")
    assert status == 0
    call_id = json.loads(out)["call_id"]
    assert terminal("activate", "--unit", "4W", "--bed", "12", "--by", "Nurse") == (0, f"called already: {call_id}\n")
    assert terminal("list")[1].split()[-2:] == ["being", "paged"]
    assert terminal("arrive", call_id, "--by", "Registrar", "--at", "2026-03-05T12:04:00+00:00") == (0, "written down\n")
    assert terminal("close", call_id, "--disposition", "icu", "--by", "Registrar")[0] == 0
    assert terminal("arrest", "--unit", "4W", "--bed", "12", "--at", "2026-03-05T11:50", "--by", "Nurse") == (0, "written down\n")
    assert terminal("arrest", "--unit", "4W", "--at", "2026-03-06T11:50", "--by", "Nurse")[0] == 2
    status, out = terminal("report", "--json", "--from", "2026-03-01", "--to", "2026-04-01", "--html", str(tmp_path / "report.html"))
    whole = json.loads(out)["figures"][-2]
    assert (status, whole["month"], whole["unit"], whole["calls"], whole["arrests_outside_icu"]) == (0, "all", "", 1, 1)
    assert (whole["called_for"], whole["dispositions"]) == ({"breathing": 1}, {"icu": 1})
    assert "2026-03" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("activate", "--by", "x"), 2, "where to?"),
        (("activate", "--by", "x", "--page", "pg-none"), 1, "there is no page"),
        (("cancel", "ep-none", "--reason", "improved", "--by", "x"), 1, "there is no call"),
        (("close", "ep-none", "--disposition", "well", "--by", "x"), 2, "well"),
        (("report", "--from", "yesterday"), 2, "yesterday is no time"),
    ],
)
def test_what_cannot_be_done_is_two_lines_and_a_status(
    ward: Ward, tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    code, told = Terminal(tmp_path, ward.url)(*arguments)
    assert code == status
    assert said in told
