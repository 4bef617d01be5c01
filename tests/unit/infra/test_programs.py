"""What makes up an installation, in which order it stops, and the file that supervisor reads."""

import configparser
import shlex
from pathlib import Path

import pytest

from infra.local.programs import Program, numbered, port_names, programs
from infra.local.supervision import NotSupervised, configuration, socket_of


def planned(workers: int = 1, pagers: int = 1, demo: bool = False, local_database: bool = True, brokers: int = 1) -> list[Program]:
    ports = {name: 20_000 + number for number, name in enumerate(port_names(workers, pagers, brokers=brokers))}
    return programs("/h", ports, brokers=brokers, workers=workers, pagers=pagers, demo=demo, beds=24, local_database=local_database)


def test_a_plain_installation_is_the_contracts_seven_processes_and_who_watches_them() -> None:
    assert {one.name for one in planned()} == {"kafka", "postgres", "triton", "listen", "work", "page", "board", "watch"}


def test_further_workers_and_pagers_are_numbered_and_told_their_own_names_and_ports() -> None:
    by_name = {one.name: one for one in planned(workers=3, pagers=2)}
    assert {"work", "work-2", "work-3", "page", "page-2"} <= set(by_name)
    assert list(by_name["work-2"].command)[-4:] == ["--instance", "work-2", "--metrics-port", str(by_name["work-2"].port)]
    assert len({by_name[name].port for name in numbered("work", 3)}) == 3


def test_three_brokers_each_know_their_number_and_have_a_port_of_their_own() -> None:
    by_name = {one.name: one for one in planned(brokers=3)}
    assert [by_name[name].command[-1] for name in numbered("kafka", 3)] == ["1", "2", "3"]
    assert len({by_name[name].port for name in numbered("kafka", 3)}) == 3


def test_with_a_database_of_the_hospitals_own_no_local_one_is_started() -> None:
    assert "postgres" not in {one.name for one in planned(local_database=False)}


def test_whoever_feeds_another_stops_before_it() -> None:
    stops = {one.name: one.stops for one in planned(demo=True)}
    order = ["ward", "watch", "listen", "work", "page", "board", "catcher", "triton", "kafka"]
    assert [stops[name] for name in order] == sorted(stops[name] for name in order)
    assert stops["postgres"] >= max(stops[name] for name in order)


def test_every_program_is_in_the_file_is_started_again_for_ever_and_stops_in_its_order() -> None:
    parsed = configparser.RawConfigParser()
    parsed.read_string(configuration(Path("/some home"), planned(demo=True)))
    for one in planned(demo=True):
        section = parsed[f"program:{one.name}"]
        assert shlex.split(section["command"]) == list(one.command)
        assert section["autorestart"] == "true"
        assert int(section["startretries"]) >= 1_000_000
        assert (int(section["priority"]), section["stopsignal"]) == (100 - one.stops, one.stop_signal)


@pytest.mark.parametrize("word", ["plain", "with space", 'with "quotes"', "back\\slash", "it's"])
def test_a_word_of_a_command_comes_back_as_it_was(word: str) -> None:
    parsed = configparser.RawConfigParser()
    parsed.read_string(configuration(Path("/h"), [Program(name="one", command=["/bin/echo", word], stops=1, kind="running")]))
    assert shlex.split(parsed["program:one"]["command"]) == ["/bin/echo", word]


@pytest.mark.parametrize("home", ["/a%b", "/a ;b", "/a\nb"])
def test_a_home_that_supervisors_file_cannot_hold_is_refused(home: str) -> None:
    with pytest.raises(NotSupervised, match="choose another --home"):
        configuration(Path(home), planned())


def test_the_control_socket_is_short_whatever_the_home_is() -> None:
    assert len(str(socket_of(Path("/" + "long/" * 60))).encode()) < 108
