"""Transactions that meet others at the same rows: what PostgreSQL ended so that the others may go on is done again."""

import time
from collections.abc import Callable
from random import SystemRandom
from typing import Final, TypeVar

import psycopg

T = TypeVar("T")

LOST: Final = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
"""40P01 and 40001: nothing of the transaction was done, and the same again may well be (PostgreSQL, 13.5, serialization failure handling)."""
TRIES: Final = 5
"""A person waits: PostgreSQL looks for a deadlock after a second, and two in a row are rare."""
PAUSE_S: Final = 0.05

_random = SystemRandom()


def done(attempt: Callable[[], T], pause: Callable[[float], None] = time.sleep) -> T:
    """What the attempt gives; tried again where it lost a race, after a moment that differs from the other's. Each must begin with nothing done.

    Raises what the attempt raises, of LOST only after TRIES.
    """
    for number in range(1, TRIES):
        try:
            return attempt()
        except LOST:
            pause(PAUSE_S * number * (0.5 + _random.random()))
    return attempt()
