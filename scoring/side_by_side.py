"""The same work over many patients on several cores, in order, without holding more of them than are under way."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")


def mapped(work: Callable[[Given], Found], given: Iterable[Given], *, chunk: int, workers: int = 2) -> Iterator[Found]:
    """What `work` makes of each, in order; `chunk` of them go to a process at once. `work` must be what another process finds by its name.

    What this process left behind is not collected in the others (`gc.freeze`): an inference session that is taken apart in a forked process waits for
    threads that were never forked, for ever.
    """
    iterator = iter(given)
    chunks = iter(lambda: list(islice(iterator, chunk)), [])
    with ProcessPoolExecutor(workers, initializer=gc.freeze) as pool:
        pending = [pool.submit(_each, work, one) for one in islice(chunks, workers * 2)]
        while pending:
            done = pending.pop(0).result()
            following = next(chunks, None)
            if following:
                pending.append(pool.submit(_each, work, following))
            yield from done


def _each(work: Callable[[Given], Found], given: Sequence[Given]) -> list[Found]:
    return [work(one) for one in given]
