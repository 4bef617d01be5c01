"""`vigil oncall` and the answers of `vigil page`, as a person at a terminal uses them, over a real database."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from alerts.catchers import Book, serve
from tests.edge.test_channels_and_catchers import free_ports, opened
from tests.episodes import Bedside, claim

VIGIL = [sys.executable, "-W", "ignore", "-m", "infra.main"]
ROSTER = """
version = "1"
timezone = "Europe/London"
line = [{ channel = "pager", target = "2222" }]
[people.ann]
name = "Dr Ann"
contacts = [{ channel = "pager", target = "1" }]
[people.bob]
name = "Dr Bob"
contacts = [{ channel = "pager", target = "2" }]
[teams.doctors]
[[teams.doctors.rotations]]
name = "weekdays"
people = ["ann"]
first_day = 2026-01-05
weekdays = ["mon", "tue", "wed", "thu", "fri"]
[[escalations]]
tier = "urgent"
steps = [{ page = ["team:doctors"] }]
"""


class Place:
    """An installation's home with an on-call file and a database, and nothing that runs."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        (home / "oncall.toml").write_text(ROSTER)
        (home / "vigil.toml").write_text(
            f'[database]\nurl = "{url}"\n[clock]\nanchor = 2026-03-05T12:00:00Z\nreal_anchor = 2026-03-05T12:00:00Z\nspeed = 0.000001\n'
            f'[page]\noncall = "{home / "oncall.toml"}"\n[page.channels.pager]\nkind = "snpp"\naddress = "127.0.0.1:1"\n'
        )

    def vigil(self, *arguments: str) -> tuple[int, str, str]:
        done = subprocess.run([*VIGIL, *arguments, "--home", str(self.home)], capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def on_call(self, at: str) -> list[str]:
        status, out, _ = self.vigil("oncall", "show", "--json", "--at", at)
        people: Sequence[str] = [one["person"] for one in json.loads(out)["teams"][0]["on_call"]]
        assert status == (0 if people else 1)
        return list(people)


@pytest.fixture
def place(tmp_path: Path, postgres_url: str) -> Place:
    return Place(tmp_path, postgres_url)


def test_who_is_on_call_and_the_gaps_are_told_with_an_exit_status(place: Place) -> None:
    status, out, _ = place.vigil("oncall", "show")
    assert status == 0
    assert "Dr Ann" in out
    assert "pager 1 (not verified)" in out
    assert "GAP doctors from 2026-03-07T08:00 until 2026-03-09T08:00" in out
    assert place.on_call("2026-03-08T12:00") == []
    assert place.vigil("oncall", "check", "--days", "1")[0] == 0
    status, out, _ = place.vigil("oncall", "check", "--days", "28")
    assert (status, out.splitlines()[-1]) == (1, "2 people, 1 teams, 1 escalations, 4 gaps in 28 days")


def test_a_swap_fills_a_gap_until_it_is_taken_back(place: Place) -> None:
    status, out, _ = place.vigil(
        "oncall", "swap", "doctors", "--person", "bob", "--from", "2026-03-08T00:00", "--until", "2026-03-09T00:00", "--by", "Sister"
    )
    assert (status, place.on_call("2026-03-08T12:00")) == (0, ["bob"])
    number = out.split()[1].rstrip(";")
    assert place.vigil("oncall", "drop", number, "--by", "Sister")[0] == 0
    assert place.on_call("2026-03-08T12:00") == []
    assert place.vigil("oncall", "drop", number, "--by", "Sister")[0] == 1


@pytest.mark.parametrize("kind", ["csv", "ics"])
def test_shifts_go_out_and_come_in_again_and_twice_is_once(place: Place, kind: str) -> None:
    (place.home / "weekend.csv").write_text(
        "team,person,starts_at,ends_at,instead_of\ndoctors,bob,2026-03-07T08:00,2026-03-09T08:00,\ndoctors,bob,2026-03-06T12:00,2026-03-06T18:00,ann\n"
    )
    assert place.vigil("oncall", "import", str(place.home / "weekend.csv"), "--by", "Sister")[:2] == (0, "2 shifts from weekend.csv\n")
    assert (place.on_call("2026-03-08T12:00"), place.on_call("2026-03-06T13:00")) == (["bob"], ["bob"])
    status, out, _ = place.vigil("oncall", "export", "--format", kind, "--days", "7")
    assert status == 0
    file = place.home / f"all.{kind}"
    file.write_text(out, newline="")
    for _ in range(2):
        assert place.vigil("oncall", "import", str(file), "--by", "Sister")[0] == 0
    bedside = Bedside(place.home.joinpath("vigil.toml").read_text().split('"')[1])
    again, other = bedside.ask(
        "SELECT count(*) FILTER (WHERE source = %s), count(*) FILTER (WHERE source <> %s) FROM vigil.duties", file.name, file.name
    )[0]
    assert (again > 2, other) == (True, 2)
    assert place.on_call("2026-03-08T12:00") == ["bob"]


def test_a_contact_is_verified_by_the_code_that_arrived_there_and_by_no_other(place: Place) -> None:
    async def told() -> list[tuple[int, str, str]]:
        stopping, ports = asyncio.Event(), free_ports()
        toml = place.home / "vigil.toml"
        toml.write_text(toml.read_text().replace('"127.0.0.1:1"', f'"127.0.0.1:{ports[0]}"'))
        catching = asyncio.create_task(serve(Book(place.home / "pages.jsonl"), ports, stopping))
        await asyncio.to_thread(opened, ports)
        sent = await asyncio.to_thread(place.vigil, "oncall", "verify", "ann", "pager")
        text = json.loads((place.home / "pages.jsonl").read_text())["text"]
        code = text.split("code ")[1].split()[0]
        wrong = await asyncio.to_thread(place.vigil, "oncall", "verify", "ann", "pager", "--code", f"{(int(code) + 1) % 10**6:06}")
        right = await asyncio.to_thread(place.vigil, "oncall", "verify", "ann", "pager", "--code", code)
        again = await asyncio.to_thread(place.vigil, "oncall", "verify", "ann", "pager", "--code", code)
        stopping.set()
        await catching
        return [sent, wrong, right, again]

    assert [status for status, _, _ in asyncio.run(told())] == [0, 1, 0, 1]
    out = place.vigil("oncall", "show")[1]
    assert "pager 1 (not verified)" not in out
    assert place.vigil("oncall", "verify", "ann", "pigeon")[0] == 2
    assert place.vigil("oncall", "verify", "bob", "pager")[0] == 1  # nobody listens there any more


def test_what_is_wrong_is_said_in_two_lines(place: Place) -> None:
    (place.home / "x.csv").write_text("team,person,starts_at,ends_at\ndoctors,eve,2026-03-07T08:00,2026-03-09T08:00\n")
    for arguments in (
        ("import", str(place.home / "x.csv"), "--by", "S"),
        ("show", "--at", "noon"),
        ("swap", "nurses", "--person", "ann", "--from", "2026-03-07", "--until", "2026-03-08", "--by", "S"),
        ("swap", "doctors", "--from", "2026-03-07", "--until", "2026-03-08", "--by", "S"),
        ("export", "--team", "nurses"),
    ):
        status, _, err = place.vigil("oncall", *arguments)
        assert (status, len(err.splitlines())) == (2, 2), err
    (place.home / "oncall.toml").write_text(ROSTER.replace('people = ["ann"]', 'people = ["eve"]'))
    status, _, err = place.vigil("oncall", "show")
    assert (status, len(err.splitlines()), "nobody is called eve" in err) == (2, 2, True)


def test_without_a_schedule_the_routes_are_told(tmp_path: Path) -> None:
    place = Place(tmp_path, "postgresql://vigil@127.0.0.1:1/vigil")
    (tmp_path / "vigil.toml").write_text('[[page.routes]]\ntier = "urgent"\nchannel = "mail"\ntarget = "a"\n')
    status, out, _ = place.vigil("oncall", "show", "--json")
    assert (status, json.loads(out)["teams"], json.loads(out)["routes"][0]["target"]) == (0, [], "a")
    assert place.vigil("oncall", "export")[0] == 3


def test_a_page_is_declined_answered_at_the_bedside_and_concluded_from_a_terminal(place: Place, postgres_url: str) -> None:
    bedside = Bedside(postgres_url)
    bedside.take(8)
    [page] = claim(bedside)
    told = [
        place.vigil("page", "decline", page.page_id, "--by", "Ann"),
        place.vigil("page", "ack", page.page_id, "--by", "Bob"),
        place.vigil("page", "bedside", page.page_id, "--by", "Bob"),
        place.vigil("page", "outcome", page.page_id, "true", "--action", "fluids", "--by", "Bob"),
        place.vigil("page", "decline", page.page_id, "--by", "Ann"),
        place.vigil("page", "decline", "pg-none", "--by", "Ann"),
    ]
    assert [(status, out.split(":")[0]) for status, out, _ in told] == [
        (0, "declined"), (0, "acknowledged"), (0, "taken"), (0, "taken"), (1, "over"), (1, ""),
    ]  # fmt: skip
    assert bedside.ask("SELECT state, outcome, outcome_action FROM vigil.episodes") == [("at_bedside", "true", "fluids")]
    assert bedside.ask("SELECT action, actor FROM vigil.audit_log ORDER BY action") == [
        ("acknowledge", "Bob"), ("bedside", "Bob"), ("decline", "Ann"), ("outcome", "Bob"),
    ]  # fmt: skip
