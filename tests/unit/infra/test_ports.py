"""Ports: free, kept for a home, and where no outgoing connection takes them."""

import socket
from pathlib import Path

import pytest

from infra.local.ports import DYNAMIC, HOST, KERNEL_SAYS, PortTaken, answers, choose

NAMES = ["mllp", "board", "kafka", "postgres"]


def test_every_name_gets_a_port_of_its_own(tmp_path: Path) -> None:
    chosen = choose(tmp_path / "ports.json", NAMES)
    assert list(chosen) == NAMES
    assert len(set(chosen.values())) == len(NAMES)


def test_no_port_lies_where_the_kernel_takes_those_of_outgoing_connections(tmp_path: Path) -> None:
    first = int(KERNEL_SAYS.read_text().split()[0]) if KERNEL_SAYS.exists() else DYNAMIC
    assert [port for port in choose(tmp_path / "ports.json", NAMES).values() if port >= first] == []


def test_the_same_home_keeps_its_ports(tmp_path: Path) -> None:
    before = choose(tmp_path / "ports.json", NAMES)
    assert choose(tmp_path / "ports.json", NAMES) == before


def test_a_port_that_somebody_else_took_meanwhile_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    before = choose(tmp_path / "ports.json", NAMES)
    with socket.create_server((HOST, before["kafka"])):
        after = choose(tmp_path / "ports.json", NAMES)
    assert after["kafka"] != before["kafka"]
    assert {**after, "kafka": 0} == {**before, "kafka": 0}


def test_a_base_is_counted_up_in_the_order_of_the_names(tmp_path: Path) -> None:
    base = choose(tmp_path / "probe.json", ["one"])["one"]
    assert choose(tmp_path / "ports.json", ["one"], base) == {"one": base}


def test_a_base_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            choose(tmp_path / "ports.json", NAMES, port)


def test_a_port_answers_while_somebody_listens_there() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        assert answers(port)
    assert not answers(port)
