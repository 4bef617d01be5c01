"""The databases that Vigil runs on, for tests that must hold on each: the PostgreSQL it brings along, and a TimescaleDB where one is at hand."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest

from infra.database.migrate import migrate
from infra.local import postgres_server
from tests import servers

TIMESCALE = "VIGIL_TEST_TIMESCALE_URL"
"""Names a database on a TimescaleDB server whose role may create databases, extensions and so on; each test gets a database of its own beside it."""

ON_EACH_DATABASE = pytest.mark.parametrize("postgres_url", ["plain", pytest.param("timescale", marks=pytest.mark.timescale)], indirect=True)
"""Marks a module or a test whose `postgres_url` shall be a plain PostgreSQL once, and a TimescaleDB once."""

ON_TIMESCALE = pytest.mark.parametrize("postgres_url", [pytest.param("timescale", marks=pytest.mark.timescale)], indirect=True)


@contextmanager
def plain() -> Iterator[str]:
    """A fresh database with the whole schema, dropped afterwards."""
    port = servers.port_of("postgres")
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_server.url(port, "postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")  # a template may be copied by one at a time
        connection.execute(f"CREATE DATABASE {name} TEMPLATE vigil")
    yield postgres_server.url(port, name)
    with psycopg.connect(postgres_server.url(port, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def timescale(*, migrated: bool = True) -> Iterator[str]:
    """The same on a TimescaleDB server. Its own processes keep a database open, so none can be a template: each is migrated."""
    given = os.environ.get(TIMESCALE)
    if not given:
        pytest.skip(f"needs a TimescaleDB: set {TIMESCALE} to the URL of a database on one")
    name = f"t_{uuid4().hex[:12]}"
    url = re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", given)
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            if migrated:
                migrate(url)
                _rest(url)
            yield url
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _rest(url: str) -> None:
    """Stops the policies: what a test writes is months old, and would be compressed or refreshed under its hands, now in one run, not in the next."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs WHERE proc_name LIKE 'policy%'")


def _by_hand(url: str) -> None:
    """Policies run when a test runs them: the scheduler would compress and refresh at instants of its own."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL"
        )


@contextmanager
def empty() -> Iterator[str]:
    """A fresh plain database without any schema."""
    port = servers.port_of("postgres")
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_server.url(port, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield postgres_server.url(port, name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
