"""Framing holds for any chunking and any bytes."""

from hypothesis import given
from hypothesis import strategies as st

from parsers.mllp import KEPT, Decoder, Frame, Noise, TooLong, encode

CONTENT = st.binary(min_size=0, max_size=200).map(lambda data: data.replace(b"\x0b", b"").replace(b"\x1c", b""))


@given(st.lists(CONTENT, max_size=8), st.lists(st.integers(1, 50), max_size=60))
def test_frames_come_out_whole_however_the_bytes_are_cut(contents: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(encode(content) for content in contents)
    decoder, out, position = Decoder(1000), [], 0
    for size in [*cuts, len(stream) + 1]:
        out += decoder.receive(stream[position : position + size])
        position += size
    assert out == [Frame(content) for content in contents]
    assert not decoder.within_frame


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_no_bytes_raise_and_none_are_hoarded(pieces: list[bytes]) -> None:
    decoder = Decoder(64)
    for piece in pieces:
        for one in decoder.receive(piece):
            assert isinstance(one, Frame | TooLong | Noise)
            if isinstance(one, Frame):
                assert len(one.content) <= 64
    assert len(decoder._buffer) <= KEPT + 64


def test_a_frame_beyond_the_limit_is_told_with_its_header_and_the_next_one_is_read() -> None:
    decoder = Decoder(10_000)
    long = b"MSH|^~\\&|" + b"x" * 50_000
    out = [one for start in range(0, 60_000, 997) for one in decoder.receive((encode(long) + encode(b"next"))[start : start + 997])]
    assert out[0] == TooLong(long[:KEPT], len(long)) or (isinstance(out[0], TooLong) and out[0].length == len(long))
    assert isinstance(out[0], TooLong)
    assert out[0].beginning.startswith(b"MSH|^~\\&|")
    assert out[1] == Frame(b"next")


def test_an_end_without_carriage_return_ends_the_frame() -> None:
    assert Decoder(100).receive(b"\x0bone\x1c\x0btwo\x1c\r") == [Frame(b"one"), Frame(b"two")]


def test_noise_between_frames_is_counted() -> None:
    assert Decoder(100).receive(b"GET / HTTP/1.1\r\n" + encode(b"one")) == [Noise(14), Frame(b"one")]
