"""Replay: small made-up stays become the HL7 their hospital would have sent, and never lie in the future."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path

import pyarrow
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from infra.main.replay import command
from parsers.events import Admit, Discharge, Observation
from parsers.message import Message
from parsers.read import read
from streams.replay import cinc2019, eicu
from streams.replay.facts import Measured
from streams.replay.trajectories import messages
from tests.taker import Taker

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PSV = """HR|O2Sat|Temp|SBP|MAP|DBP|Resp|FiO2|Creatinine|Lactate|Age|Gender|Unit1|Unit2|ICULOS|SepsisLabel
80|97|36.6|120|85|70|16|NaN|0.9|NaN|63.5|0|1|0|1|0
NaN|NaN|NaN|NaN|NaN|NaN|NaN|NaN|NaN|NaN|63.5|0|1|0|2|0
118|91|38.9|88|58|44|27|0.5|NaN|4.2|63.5|0|1|0|3|1
999|97|NaN|NaN|NaN|NaN|16|NaN|NaN|NaN|63.5|0|1|0|4|1
"""


@pytest.fixture
def psv_folder(tmp_path: Path) -> Path:
    for name in ("p000001", "p000002"):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / f"{name}.psv").write_text(PSV)
    return tmp_path / "data"


def observations(message: Message) -> dict[str, float | None]:
    return {one.code: one.value_num for one in message.events if isinstance(one, Observation)}


def test_a_patient_file_becomes_admission_hourly_results_and_discharge(psv_folder: Path) -> None:
    course = next(cinc2019.courses(psv_folder))
    read_back = [read(sent.raw) for sent in messages(course, NOW)]
    assert [one.ack for one in read_back] == ["AA"] * len(read_back)
    assert [one.type for one in read_back] == ["ADT^A01", "ORU^R01", "ORU^R01", "ORU^R01", "ORU^R01", "ORU^R01", "ADT^A03"]
    assert isinstance(read_back[0].events[0], Admit)
    assert isinstance(read_back[-1].events[0], Discharge)
    vitals, labs, worse, lactate, last = (observations(one) for one in read_back[1:-1])
    assert vitals == {"8867-4": 80, "59408-5": 97, "8310-5": 36.6, "8480-6": 120, "8478-0": 85, "8462-4": 70, "9279-1": 16}
    assert labs == {"2160-0": 0.9}
    assert (worse["8867-4"], worse["3150-6"], lactate) == (118, 50, {"2524-7": 4.2})
    assert last == {"59408-5": 97, "9279-1": 16}, "a pulse of 999 is nobody's"


def test_hours_keep_their_distance(psv_folder: Path) -> None:
    course = next(cinc2019.courses(psv_folder))
    times = sorted(
        {
            event.observed_at
            for sent in messages(course, NOW)
            for event in read(sent.raw).events
            if isinstance(event, Observation) and event.observed_at
        }
    )
    assert times == [NOW, NOW + timedelta(hours=2), NOW + timedelta(hours=3)]


def test_age_and_sex_come_through(psv_folder: Path) -> None:
    course = next(cinc2019.courses(psv_folder))
    person = read(next(messages(course, NOW)).raw).person
    assert person is not None
    assert person.sex == "F"
    assert person.birth_date is not None
    assert (NOW.date() - person.birth_date).days // 365.25 == 63


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.psv").write_text("a|b\n1|2\n")
    with pytest.raises(cinc2019.NotACinc2019File):
        list(cinc2019.courses(tmp_path))


def test_an_empty_cell_is_not_a_number() -> None:
    rows = cinc2019.table("p", PSV)
    assert isnan(rows[1]["HR"])
    assert cinc2019.values(rows[1]) == {}


@pytest.fixture
def eicu_folder(tmp_path: Path) -> Path:
    for task in ("aki", "sepsis"):
        folder = tmp_path / "eicu" / task
        folder.mkdir(parents=True)
        columns = {
            "stay_id": [11, 11, 12],
            "time": [0.0, 1.0, 0.0],
            "hr": [90.0, None, 70.0],
            "crea": [None, 1.4, None],
            "methb": [1.0, 1.0, 1.0],
        }
        parquet.write_table(pyarrow.table(columns), folder / "dyn.parquet")
        people = {"stay_id": [11, 12], "age": [71.0, None], "sex": ["Male", None], "height": [170.0, 160.0]}
        parquet.write_table(pyarrow.table(people), folder / "sta.parquet")
    return tmp_path / "eicu"


def test_every_eicu_stay_is_replayed_once_though_it_is_in_several_tables(eicu_folder: Path) -> None:
    courses = list(eicu.courses(eicu_folder))
    assert [(one.stay_id, one.age_years, one.sex) for one in courses] == [("11", 71.0, "M"), ("12", None, "U")]
    assert courses[0].facts == (
        Measured(known_h=1.0, true_h=1.0, values={"heart_rate": 90.0}),
        Measured(known_h=3.0, true_h=2.0, values={"creatinine": 1.4}),
    ), "an hour is known when it is over, a lab an hour after that"
    assert [read(sent.raw).ack for sent in messages(courses[1], NOW)] == ["AA"] * 3


def test_a_folder_without_tables_is_told(tmp_path: Path) -> None:
    with pytest.raises(eicu.NoEicuTables):
        next(eicu.courses(tmp_path))


@pytest.fixture
def taker() -> Iterator[Taker]:
    with Taker() as taker:
        yield taker


def replayed(taker: Taker, tmp_path: Path, *options: str) -> dict[str, int]:
    answer = CliRunner().invoke(command, ["--home", str(tmp_path), "--json", "--to", f"127.0.0.1:{taker.port}", *options])
    assert answer.exit_code == 0, answer.output
    decoded: dict[str, int] = json.loads(answer.stdout)
    return decoded


@pytest.mark.parametrize("speed", ["max", "1000000"])
def test_replay_sends_all_and_nothing_lies_in_the_future(taker: Taker, psv_folder: Path, tmp_path: Path, speed: str) -> None:
    answer = replayed(taker, tmp_path, "--source", "cinc2019", "--data", str(psv_folder), "--speed", speed)
    assert answer == {"patients": 2, "messages": 14, "aa": 14, "ae": 0, "ar": 0}
    assert len(taker.taken) == 14
    for raw in taker.taken:
        message = read(raw)
        assert message.sent_at is not None
        assert message.sent_at <= datetime.now(UTC)


def test_limit_counts_patients(taker: Taker, eicu_folder: Path, tmp_path: Path) -> None:
    answer = replayed(taker, tmp_path, "--source", "eicu", "--data", str(eicu_folder), "--limit", "1")
    assert (answer["patients"], answer["messages"]) == (1, 4)


def test_hl7_files_go_as_they_are(taker: Taker, tmp_path: Path) -> None:
    sent = b"MSH|^~\\&|A|B|C|D|20260301||ADT^A01|1|P|2.5.1\rPID|1||7^^^H^MR\r"
    (tmp_path / "hl7").mkdir()
    (tmp_path / "hl7" / "a.hl7").write_bytes(sent)
    answer = replayed(taker, tmp_path, "--source", "hl7", "--data", str(tmp_path / "hl7"))
    assert answer == {"patients": 1, "messages": 1, "aa": 1, "ae": 0, "ar": 0}
    assert [one.strip() for one in taker.taken] == [sent.strip()]


@pytest.mark.parametrize("options", [["--source", "cinc2019"], ["--source", "eicu"], ["--source", "cinc2019", "--speed", "quick"]])
def test_wrong_data_and_wrong_speeds_are_told_in_two_lines(tmp_path: Path, options: list[str]) -> None:
    answer = CliRunner().invoke(command, ["--home", str(tmp_path), "--to", "127.0.0.1:9", "--data", str(tmp_path), *options])
    assert answer.exit_code == 2
    assert len(answer.output.strip().splitlines()) == 2
