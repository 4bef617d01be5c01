"""Fixtures that every test may use: real servers, a fresh database, a whole installation."""

from collections.abc import Iterator
from uuid import uuid4

import hypothesis
import psycopg
import pytest

from infra.local import postgres_server
from infra.settings import Settings
from tests import servers

hypothesis.settings.register_profile(
    "vigil", deadline=None
)  # a time is never asserted in a test: machines that run it differ, and are shared
hypothesis.settings.load_profile("vigil")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        servers.announce()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        servers.end()


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The settings of the shared Kafka, PostgreSQL and Triton."""
    return servers.shared()


@pytest.fixture(scope="session")
def kafka_bootstrap(settings: Settings) -> str:
    return settings.kafka.bootstrap


@pytest.fixture
def postgres_url(settings: Settings) -> Iterator[str]:
    """A fresh database with the whole schema, dropped afterwards."""
    port = servers.port_of("postgres")
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_server.url(port, "postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")  # a template may be copied by one at a time
        connection.execute(f"CREATE DATABASE {name} TEMPLATE vigil")
    yield postgres_server.url(port, name)
    with psycopg.connect(postgres_server.url(port, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
