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


@given(st.binary(max_size=400), st.lists(st.integers(1, 40), max_size=40), st.sampled_from([5, 64, 10_000]))
def test_the_cuts_make_no_difference_to_any_bytes(data: bytes, cuts: list[int], limit: int) -> None:
    """Noise is counted piece by piece, without the line ends at the edges of a piece; all else is the same."""
    whole, pieces, out, position = Decoder(limit), Decoder(limit), list[Frame | TooLong | Noise](), 0
    expected = whole.receive(data)
    for size in [*cuts, len(data) + 1]:
        out += pieces.receive(data[position : position + size])
        position += size
    assert [one for one in out if not isinstance(one, Noise)] == [one for one in expected if not isinstance(one, Noise)]
    assert (pieces.within_frame, pieces.length, pieces.held) == (whole.within_frame, whole.length, whole.held)


@given(st.integers(1, 10_000), st.integers(0, 20_000), st.integers(1, 3000))
def test_what_is_longer_than_the_limit_is_too_long_and_its_length_is_right(limit: int, size: int, chunk: int) -> None:
    decoder, out, data = Decoder(limit), list[Frame | TooLong | Noise](), encode(b"x" * size)
    for start in range(0, len(data), chunk):
        out += decoder.receive(data[start : start + chunk])
        assert decoder.held <= max(limit, KEPT)
    expected = Frame(b"x" * size) if size <= limit else TooLong(b"x" * min(limit, KEPT), size)
    assert out == [expected]
