"""Whatever is broken, nothing raises, nothing is read that was not sent, and time and memory have bounds; what is whole reads as a person reads it."""

import random
import time
import tracemalloc

import pytest

from parsers.events import Observation
from parsers.read import read
from tests import splitter
from tests.corpus import MESSAGES, PID, VITALS, message, oru
from tests.mutants import disagreements, faults, mutant

CORPUS = list(MESSAGES.values())
MUTANTS = 3000
HEAD = "MSH|^~\\&|A|B|||20260301||{}|C1|P|2.5.1\r"


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_of_the_corpus_is_taken_and_accounted_for(name: str) -> None:
    found = read(MESSAGES[name])
    assert (found.ack, found.segments_set_aside) == ("AA", ("MSA",) if name == "acknowledgement" else ())
    assert faults(MESSAGES[name], found) == []


@pytest.mark.parametrize("name", MESSAGES)
def test_numbers_units_statuses_and_times_are_what_a_person_reads(name: str) -> None:
    assert disagreements(MESSAGES[name], read(MESSAGES[name])) == []


def test_the_splitter_would_see_a_disagreement() -> None:
    raw = MESSAGES["vitals"]
    other = read(
        raw.replace(b"||71|", b"||72|").replace(b"[degF]", b"Cel").replace(b"|P\r", b"|F\r").replace(b"20260301110000", b"20260301110500")
    )
    assert disagreements(raw, other) == ["OBX 1: number", "OBX 1: time", "OBX 2: unit", "OBX 3: status"]
    seen = splitter.seen(raw)
    assert seen is not None
    assert [one.number for one in seen[:4]] == [71, 101.3, 0.5, 4.2]


def test_the_faults_would_be_seen() -> None:
    found = read(oru(VITALS[0]))
    assert faults(oru(VITALS[1]), found) == ["a number that was not sent", "a code that was not sent"]


def test_mutants_raise_nothing_and_nothing_is_made_up() -> None:
    chance = random.Random(7)
    wrong: dict[str, bytes] = {}
    for _ in range(MUTANTS):
        raw = mutant(chance, CORPUS)
        wrong |= dict.fromkeys(faults(raw, read(raw)), raw)
    assert wrong == {}


N = 20_000
HOSTILE = {
    "one field of 10 MB": HEAD.format("ORU^R01") + PID + "\rOBX|1|TX|N^N^L||" + "x" * 10_000_000,
    "a code of 10 MB": HEAD.format("ORU^R01") + PID + "\rOBX|1|NM|" + "x" * 10_000_000 + "||1\r",
    "a number of a million digits": HEAD.format("ORU^R01") + PID + "\rOBX|1|NM|8867-4^^LN||" + "1" * 1_000_000,
    "blanks": HEAD.format("ORU^R01") + PID + "\rOBX|1|NM|8867-4^^LN||" + " " * 1_000_000 + "x",
    "line ends": HEAD.format("ORU^R01") + PID + "\rOBX|1|TX|N||a" + "\n" * 1_000_000 + "b\r",
    "escape marks": HEAD.format("ORU^R01") + PID + "\rOBX|1|TX|N||" + "\\" * 500_001,
    "segments": HEAD.format("ORU^R01") + PID + "\r" + "OBX|1|NM|8867-4^^LN||71|/min\r" * N,
    "orders": HEAD.format("ORM^O01") + PID + "\r" + "OBR|1||F1|X\r" * N,
    "notes": HEAD.format("ORU^R01") + PID + "\rOBX|1|NM|8867-4^^LN||71|/min\r" + "NTE|1||hello\r" * N,
    "specimens": HEAD.format("ORU^R01") + PID + "\rOBR|1||F|x\r" + "SPM|1|||UR^Urine\r" * N,
    "continuations": HEAD.format("ORU^R01") + PID + "\rOBX|1|TX|N||x\r" + f"ADD|{'y' * 100}\r" * N,
    "patients": HEAD.format("ADT^A40") + "OBX|1|NM|x||1\r" * N + f"{PID}\rMRG|1\r" * N,
    "merges": HEAD.format("ADT^A45") + PID + "\r" + "MRG|1^^^H^MR||3||4\r" * N,
    "doses": HEAD.format("RAS^O17") + PID + "\rORC|NW\r" + "RXA|0|1|20260101||x^y^L|1|mg\r" * N + "RXC|A|x\r" * N,
    "identifiers": HEAD.format("ADT^A08") + "PID|1||" + "1^^^H^MR~" * N,
    "repetitions": HEAD.format("ORU^R01") + PID + "\rOBX|1|CWE|8867-4^^LN||" + "a^b~" * 100_000,
    "components": HEAD.format("ORU^R01") + PID + "\rOBX|1|NM|" + "a^" * 500_000 + "||1\r",
    "two of each": HEAD.format("ORU^R01") + PID + "\rOBR|1||F|x\r" + "".join(f"OBX|1|NM|C{i % 500}|{i // 2}|1||||||F|||2026010112{i % 2}\r" for i in range(N)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_shapes_cost_little(name: str) -> None:
    raw = HOSTILE[name].encode()
    began = time.process_time()
    found = read(raw)
    assert time.process_time() - began < 5
    assert found.segments_in == found.segments_read + len(found.segments_set_aside)


def test_long_fields_are_not_remembered() -> None:
    read(oru("OBX|1|NM|X^Y^L||1"))
    tracemalloc.start()
    for number in range(60):
        read(message("ORU^R01", PID, f"OBX|1|NM|{number}{'x' * 100_000}^Y^L||1|{'u' * 100_000}", f"OBR|1||F|{'s' * 100_000}"))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2_000_000


def test_a_series_in_one_order_is_several_results_and_lines_of_text_are_one() -> None:
    found = read(
        oru(
            "OBR|1||F1|V^V^L",
            "OBX|1|NM|8867-4^^LN||71|/min|||||F|||202603011000",
            "OBX|2|NM|8867-4^^LN||75|/min|||||F|||202603011005",
            "OBX|3|TX|N^Note^L||one||||||F",
            "OBX|4|TX|N^Note^L||two||||||F",
        )
    )
    keys = [event.result_key for event in found.events if isinstance(event, Observation)]
    assert keys == ["F1|8867-4||202603011000", "F1|8867-4||202603011005", "F1|N|", "F1|N|"]
