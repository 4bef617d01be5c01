"""`vigil feed check` and `vigil codes unmapped` as an integration engineer runs them."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from infra.main import codes, feed
from infra.main.cli import Trouble
from parsers.batches import split_batch
from parsers.mllp import encode
from tests.corpus import MESSAGES, oru

LOCAL = oru(*(f"OBX|{number}|NM|MCV^Mean, cell volume^L||90|fL|||||F" for number in range(9)), "OBX|9|NM|<b>[red]X^Y^L||1|u|||||F")


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A file of frames with everything in it."""
    path = tmp_path / "sample.hl7"
    path.write_bytes(b"".join(encode(raw) for raw in (*MESSAGES.values(), LOCAL)))
    assert len(split_batch(path.read_bytes())) == len(MESSAGES) + 1
    return path


def ran(*arguments: str) -> Result:
    command = feed.command if arguments[0] in ("check", "profiles") else codes.command
    found = CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    assert found.exception is None
    return found


def test_the_report_is_json_and_its_numbers_add_up(sample: Path) -> None:
    report = json.loads(ran("check", "--json", str(sample)).stdout)
    assert report["messages"] == len(MESSAGES) + 1 == report["accepted"] + report["refused"]
    assert report["unmapped_codes"][0] == {"code": "MCV", "system": "L", "display": "Mean, cell volume", "unit": "fL", "count": 9}


def test_the_report_is_a_table_that_a_sender_cannot_format(sample: Path) -> None:
    printed = ran("check", str(sample)).stdout
    assert "Codes that are not mapped" in printed
    assert "<b>[red]X" in printed
    assert "CANARY" not in printed


def test_the_report_is_a_page_in_which_nothing_of_the_senders_is_markup(sample: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    ran("check", str(sample), "--html", str(page), "--profile", "epic")
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "&lt;b&gt;[red]X" in text
    assert "<b>" not in text
    assert "CANARY" not in text
    assert "profile: epic" in text


def test_unmapped_codes_come_by_frequency(sample: Path) -> None:
    found = json.loads(ran("unmapped", "--json", str(sample)).stdout)
    assert [one["count"] for one in found] == sorted((one["count"] for one in found), reverse=True)
    assert found[0]["code"] == "MCV"
    assert ran("unmapped", str(sample)).stdout.splitlines()[0].split()[:2] == ["9", "MCV"]


def test_unmapped_codes_are_the_beginning_of_a_table(sample: Path) -> None:
    rows = list(csv.DictReader(ran("unmapped", "--csv", str(sample)).stdout.splitlines()))
    assert rows[0] == {"code": "MCV", "system": "L", "loinc": "", "unit": "fL", "comment": "Mean, cell volume"}


def test_the_profiles_are_listed() -> None:
    assert [one["name"] for one in json.loads(ran("profiles", "--json").stdout)] == ["cerner", "epic", "ge", "meditech", "philips"]
    assert ran("profiles").stdout.startswith("cerner ")


def test_a_profile_that_is_wrong_is_two_lines(sample: Path) -> None:
    with pytest.raises(Trouble, match="mumps is no profile") as trouble:
        CliRunner().invoke(feed.command, ["check", "--profile", "mumps", str(sample)], catch_exceptions=False, standalone_mode=False)
    assert trouble.value.exit_code == 2


def test_a_file_without_messages_is_wrong_input(tmp_path: Path) -> None:
    empty = tmp_path / "empty.hl7"
    empty.write_bytes(b"\n")
    with pytest.raises(Trouble, match="no message"):
        CliRunner().invoke(feed.command, ["check", str(empty)], catch_exceptions=False, standalone_mode=False)
