"""Work on several cores comes out in order, whatever the chunks, and no faster than it is asked for."""

from collections.abc import Iterator

import pytest

from scoring.side_by_side import mapped


def square(number: int) -> int:
    return number * number


def odd(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


@pytest.mark.parametrize(("given", "chunk", "workers"), [(0, 3, 2), (1, 3, 2), (20, 1, 2), (20, 7, 2), (20, 100, 2), (9, 3, 1)])
def test_everything_comes_out_once_and_in_order(given: int, chunk: int, workers: int) -> None:
    assert list(mapped(square, range(given), chunk=chunk, workers=workers)) == [number * number for number in range(given)]


def test_no_more_is_taken_than_is_under_way() -> None:
    taken: list[int] = []

    def given() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    found = mapped(square, given(), chunk=5, workers=2)
    assert next(found) == 0
    assert len(taken) <= 5 * (2 * 2 + 1)


def test_what_goes_wrong_in_a_process_is_told_here() -> None:
    with pytest.raises(ValueError, match="3 is odd"):
        list(mapped(odd, [0, 2, 3], chunk=1))
