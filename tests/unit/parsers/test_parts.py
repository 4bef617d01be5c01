"""Messages that come in several: wherever one is cut, joined it says what it said whole."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.main.parse import messages_in
from parsers.events import Observation
from parsers.message import Part, Reason
from parsers.parts import LARGEST_BYTES, MOST_PARTS, chain, join, joined_in
from parsers.profile import PLAIN
from parsers.read import read
from parsers.times import UTC
from parsers.unused import ONE_PART
from tests.corpus import MESSAGES, PID, oru

NAMES = ["vitals", "microbiology", "report", "medication", "document", "order", "umlauts", "two people", "continued"]


def header(raw: bytes, number: int, follows: str) -> bytes:
    """The message's own MSH with a control id of the part's own, and MSH-14."""
    fields = raw.split(b"\r", 1)[0].split(b"|")
    fields += [b""] * (14 - len(fields))
    fields[9], fields[13] = f"C{number}".encode(), follows.encode()
    return b"|".join(fields)


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    """The message as parts that end at these places behind the last PID."""
    head, body = raw.split(b"\r", 1)
    first = body.rindex(b"PID|") + body[body.rindex(b"PID|") :].index(b"\r") + 1
    ends = sorted({first + place % (len(body) - first) for place in places})
    pieces = [body[start:end] for start, end in zip([0, *ends], [*ends, len(body)], strict=True)]
    parts = []
    for number, piece in enumerate(pieces):
        within = number and not pieces[number - 1].endswith(b"\r")
        end = b"" if number == len(pieces) - 1 else (b"" if piece.endswith(b"\r") else b"\rADD\r") + f"DSC|P{number}|F\r".encode()
        opening = head if number == 0 else header(raw, number, f"P{number - 1}")
        parts.append(opening + b"\r" + (b"ADD|" if within else b"") + piece + end)
    return parts


@given(st.sampled_from(NAMES), st.lists(st.integers(0, 5000), min_size=1, max_size=4))
def test_a_message_cut_anywhere_says_what_it_said_whole(name: str, places: list[int]) -> None:
    raw = MESSAGES[name]
    parts = cut(raw, places)
    joined = joined_in(parts)
    whole = joined[len(parts) - 1]
    assert isinstance(whole, bytes)
    assert [joined[number] for number in range(len(parts) - 1)] == [None] * (len(parts) - 1)
    found, expected = read(whole), read(raw)
    assert (found.ack, found.events, found.others, found.patient) == ("AA", expected.events, expected.others, expected.patient)


def test_a_part_may_end_within_a_character() -> None:
    raw = oru("OBX|1|TX|N^Note^L||Zürich||||||F")
    place = raw.index("ü".encode()) + 1
    first = raw[:place] + b"\rADD\rDSC|P0|F\r"
    second = header(raw, 1, "P0") + b"\rADD|" + raw[place:]
    whole = joined_in([first, second])[1]
    assert isinstance(whole, bytes)
    assert read(whole).events == read(raw).events


def test_parts_wait_for_the_one_that_is_missing() -> None:
    one, two, three = cut(MESSAGES["vitals"], [300, 500])
    assert joined_in([one, three]) == {}
    in_disorder = joined_in([three, one, two])
    assert [type(in_disorder[place]) for place in range(3)] == [type(None), type(None), bytes]


def test_parts_of_two_senders_with_one_pointer_stay_apart() -> None:
    one, two = cut(MESSAGES["vitals"], [300])
    assert joined_in([one, two.replace(b"|APP|", b"|OTHER|")]) == {}


def test_a_pointer_that_is_used_again_means_the_later() -> None:
    parts = [Part(follows="", pointer="P"), Part(follows="", pointer="P"), Part(follows="P", pointer="")]
    assert chain(parts, 2) == [1, 2]


@pytest.mark.parametrize("parts", [[Part(follows="A", pointer="A")], [Part(follows="A", pointer="B"), Part(follows="B", pointer="A")]])
def test_a_ring_of_pointers_is_no_message(parts: list[Part]) -> None:
    assert chain(parts, 0) is None


def test_a_pointer_in_msh_14_alone_makes_no_part() -> None:
    raw = MESSAGES["vitals"]
    whole = header(raw, 1, "msh14placeholder") + b"\r" + raw.split(b"\r", 1)[1]
    assert read(whole).part is None
    assert read(whole).events == read(raw).events


def test_a_value_before_a_bare_add_is_cut_and_never_scored() -> None:
    [event] = read(oru("OBX|1|NM|8867-4^^LN||12", "ADD", "DSC|next|F")).events
    assert isinstance(event, Observation)
    assert (event.value_num, event.canonical, "cut_short" in event.flags) == (12, None, True)


def test_what_is_continued_only_when_asked_for_is_whole() -> None:
    raw = oru("OBX|1|NM|8867-4^^LN||12|/min|||||F", "DSC|next|I")
    assert read(raw).part is None
    assert read(raw).flags == ()


def test_parts_that_do_not_fit_together_are_refused_by_name() -> None:
    one, two = cut(MESSAGES["vitals"], [300])
    wrong = join([one, two.replace(b"^~\\&", b"$~\\&")])
    assert isinstance(wrong, Reason)
    assert wrong.detail.startswith("MSH-2")
    for many in ([one] * (MOST_PARTS + 1), [one, b"x" * LARGEST_BYTES]):
        too_large = join(many)
        assert isinstance(too_large, Reason)
        assert too_large.detail.startswith("DSC-1")


def test_a_file_tells_the_whole_at_its_last_part_and_each_part_once(tmp_path: Path) -> None:
    parts = cut(MESSAGES["vitals"], [300, 420])
    path = tmp_path / "parts.hl7"
    path.write_bytes(b"".join(parts) + MESSAGES["A01"])
    *before, last, other = messages_in(path, UTC, PLAIN)
    assert [(one.ack, one.events, one.unused) for one in before] == [("AA", (), ONE_PART)] * 2
    assert [one.segments_set_aside for one in (*before, last)] == [()] * 3
    assert (last.events, last.patient) == (read(MESSAGES["vitals"]).events, read(MESSAGES["vitals"]).patient)
    assert other == read(MESSAGES["A01"])
    path.write_bytes(parts[0])
    [alone] = messages_in(path, UTC, PLAIN)
    assert alone == read(parts[0])
    assert (alone.ack, "continues" in alone.flags) == ("AA", True)


def test_a_first_part_without_its_patient_is_no_fault() -> None:
    found = read(b"MSH|^~\\&|APP|HOSP|||20260301||MDM^T02|C1|P|2.5.1\rEVN|T02\rDSC|P0|F\r")
    assert (found.ack, found.events, found.unused) == ("AA", (), ONE_PART)
    assert read(f"MSH|^~\\&|APP|HOSP|||20260301||MDM^T02|C1|P|2.5.1\rEVN|T02\r{PID}\r".encode()).ack == "AE"
