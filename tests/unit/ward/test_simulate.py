"""`vigil simulate --out`: a file of framed messages, the same for a seed."""

import json
from pathlib import Path

from click.testing import CliRunner

from infra.main.simulate import command
from parsers.batches import split_batch
from parsers.read import read


def test_a_file_holds_as_many_framed_messages_as_asked_for_and_is_the_same_again(tmp_path: Path) -> None:
    files = [tmp_path / "a.hl7", tmp_path / "b.hl7"]
    for file in files:
        options = ["--home", str(tmp_path), "--json", "--messages", "60", "--start", "2026-03-01T08:00:00+01:00", "--out", str(file)]
        answer = CliRunner().invoke(command, options)
        assert answer.exit_code == 0, answer.output
        assert json.loads(answer.stdout) == {"messages": 60, "out": str(file)}
    assert files[0].read_bytes() == files[1].read_bytes()
    messages = split_batch(files[0].read_bytes())
    assert [read(one).ack for one in messages] == ["AA"] * 60


def test_a_start_without_an_offset_is_refused_with_what_to_write(tmp_path: Path) -> None:
    answer = CliRunner().invoke(command, ["--home", str(tmp_path), "--start", "2026-03-01T08:00", "--out", str(tmp_path / "x")])
    assert answer.exit_code == 2
    assert "offset" in answer.output
