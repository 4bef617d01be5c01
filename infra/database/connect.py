"""Connections to PostgreSQL: UTC, named, and patient enough for a server that is still starting."""

import time
from collections.abc import Callable

import psycopg

AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)
"""What a connection raises when its server is away, or gave it up; the last is no operational error by class."""


class DatabaseAway(Exception):
    """PostgreSQL does not answer. Look at `vigil status`, or at the server that database.url names."""


OPTIONS = "-c timezone=UTC -c idle_in_transaction_session_timeout=20s -c timescaledb.max_tuples_decompressed_per_dml_transaction=0"
"""The second: a client that stands still within a transaction (its machine hangs, its network is gone) holds locks that others wait for; after 20 s,
twice what confirming a quarantine may take, it loses them. The third is for TimescaleDB alone and means nothing elsewhere: without it a batch of
corrections of old results is refused once it unpacks more than 100,000 rows, and a refused batch would be tried again for ever."""


def connect(url: str, *, autocommit: bool = False, application: str = "vigil") -> psycopg.Connection:
    """One connection with its session in UTC. Raises psycopg.OperationalError where the server is away.

    A server whose machine vanished without a word is given up after 25 s; by the kernel's own defaults it would be a quarter of an hour, or two hours.
    """
    return psycopg.connect(
        url, autocommit=autocommit, application_name=application, options=OPTIONS, connect_timeout=5,
        keepalives_idle=10, keepalives_interval=5, keepalives_count=3, tcp_user_timeout=20_000,
    )  # fmt: skip


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
