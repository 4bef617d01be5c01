"""Connections to PostgreSQL: UTC, named, and patient enough for a server that is still starting."""

import time
from collections.abc import Callable

import psycopg


class DatabaseAway(Exception):
    """PostgreSQL does not answer. Look at `vigil status`, or at the server that database.url names."""


OPTIONS = "-c timezone=UTC -c timescaledb.max_tuples_decompressed_per_dml_transaction=0"
"""The second is for TimescaleDB alone and means nothing elsewhere: without it a batch of corrections of old results is refused once it unpacks more
than 100,000 rows, and a refused batch would be tried again for ever."""


def connect(url: str, *, autocommit: bool = False, application: str = "vigil") -> psycopg.Connection:
    """One connection with its session in UTC. Raises psycopg.OperationalError where the server is away."""
    return psycopg.connect(url, autocommit=autocommit, application_name=application, options=OPTIONS, connect_timeout=5)


def connect_patiently(
    url: str, *, application: str, wait_s: float = 60.0, on_wait: Callable[[], None] = lambda: None
) -> psycopg.Connection:
    """Tries until the server takes connections; `on_wait` is called before each further try. Raises DatabaseAway after `wait_s`."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return connect(url, application=application)
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise DatabaseAway(f"PostgreSQL did not answer for {wait_s:.0f} s") from error
            on_wait()
            time.sleep(0.5)
