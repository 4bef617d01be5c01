"""`vigil score`: a line in, a line out, in order, whatever the line is; and the list of scores."""

import io
import json
import random
import subprocess
import sys
from typing import Any

from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from infra.main.score import command
from scoring.published.answer import LONGEST, answer
from scoring.published.catalogue import scores
from tests.unit.scoring.published.asking import CONTRACT, INPUTS, ask


def run(lines: bytes) -> list[dict[str, Any]]:
    result = CliRunner().invoke(command, [], input=lines)
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_command_answers_each_line_in_order_and_goes_on_after_a_bad_one() -> None:
    lines = [
        b'{"score":"shock_index","inputs":{"hr_per_min":80,"sbp_mmhg":100}}',
        b"",
        b"nonsense",
        b'{"score":"qsofa","inputs":{"rr_per_min":22,"sbp_mmhg":90,"gcs":15}}\r',
        b"x" * (3 * LONGEST),
        b'{"score":"cart","inputs":{}}',
    ]
    answers = run(b"\n".join(lines))
    assert [one.get("total", "error" in one) for one in answers] == [0.8, True, True, 2, True, None]
    assert answers[4]["error"]["code"] == "too_long"


def test_an_answer_comes_before_the_next_request_is_sent() -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "infra.main", "score"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as vigil:
        assert vigil.stdin is not None
        assert vigil.stdout is not None
        for pulse in (80, 120):
            vigil.stdin.write(json.dumps({"score": "shock_index", "inputs": {"hr_per_min": pulse, "sbp_mmhg": 80}}).encode() + b"\n")
            vigil.stdin.flush()
            assert json.loads(vigil.stdout.readline())["total"] == pulse / 80
        vigil.stdin.close()
        assert vigil.wait(timeout=10) == 0


def test_the_list_says_of_each_score_where_it_comes_from_whom_it_is_for_and_what_it_reads() -> None:
    listed = json.loads(CliRunner().invoke(command, ["--list", "--json"]).stdout)
    assert {one["score"] for one in listed} == set(scores()) >= CONTRACT
    for one in listed:
        assert one["version"]
        assert one["source"]
        assert one["population"]
        assert len(one["range"]) == 2
        assert set(one["needed"]) <= set(one["inputs"]) <= set(scores()[one["score"]].inputs.__struct_fields__)
    table = CliRunner().invoke(command, ["--list"]).stdout
    assert all(one["score"] in table and one["source"] in table and one["population"] in table for one in listed)


def test_what_the_list_calls_needed_is_what_an_empty_request_misses() -> None:
    for name, score in scores().items():
        missing = set(ask(name, {})["missing"])
        assert missing <= {*score.needs, "fio2_frac"}, name
        assert missing or not score.needs


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
requests = st.fixed_dictionaries(
    {
        "score": st.sampled_from(sorted(scores())) | junk,
        "inputs": st.dictionaries(st.sampled_from(sorted(INPUTS)) | st.text(max_size=4), junk, max_size=8) | junk,
    }
)


@given(
    st.binary(max_size=200) | junk.map(lambda value: json.dumps(value).encode()) | requests.map(lambda value: json.dumps(value).encode())
)
def test_whatever_comes_is_answered_with_one_line_of_ascii_json(line: bytes) -> None:
    found = answer(line)
    assert found.isascii()
    assert b"\n" not in found
    decoded = json.loads(found)
    assert ("error" in decoded) is not ("total" in decoded)


def hostile(count: int, seed: int) -> list[bytes]:
    """Requests of every kind, most with something broken: a value, a key, a byte, the end."""
    dice = random.Random(seed)
    odd: list[Any] = [
        None,
        True,
        "80",
        "",
        [],
        {},
        -1,
        0,
        1e308,
        -0.0,
        10**30,
        1e-320,
        "NaN",
        "\u2028",
        "\ud800",
        {"at": "x"},
        [{"at": "2026-01-01", "mg_dl": 1}],
    ]
    fields = sorted({name for score in scores().values() for name in score.inputs.__struct_fields__})
    lines = []
    for _ in range(count):
        inputs: dict[str, Any] = {
            name: dice.choice([*odd, dice.uniform(0, 200), dice.randint(0, 20)]) for name in dice.sample(fields, dice.randint(0, 6))
        }
        line = json.dumps({"score": dice.choice([*scores(), "x"]), "inputs": inputs}, allow_nan=True).encode()
        match dice.randint(0, 4):
            case 0:
                line = line[: dice.randint(0, len(line))]
            case 1:
                place = dice.randrange(len(line))
                line = line[:place] + bytes([dice.choice([0, 9, 34, 92, 127, 133, 200, 255])]) + line[place + 1 :]
        lines.append(line)
    return lines


def test_ten_thousand_hostile_lines_are_answered_one_by_one_in_order() -> None:
    lines = hostile(10_000, seed=7)
    marked = [
        line if number % 100 else json.dumps({"score": "shock_index", "inputs": {"hr_per_min": number // 100, "sbp_mmhg": 100}}).encode()
        for number, line in enumerate(lines)
    ]
    result = CliRunner().invoke(command, [], input=b"\n".join(marked))
    assert result.exit_code == 0
    answers = [json.loads(line) for line in io.StringIO(result.stdout)]
    assert len(answers) == len(result.stdout.splitlines()) == 10_000
    assert [one["total"] for one in answers[::100]] == [number / 100 for number in range(100)]
    assert all(("error" in one) is not ("total" in one) for one in answers)
    assert sum("total" in one for one in answers) > 300
