"""Fixtures that every test may use: real servers, a fresh database, a whole installation."""

from collections.abc import Iterator

import hypothesis
import pytest

from infra.settings import Settings
from tests import databases, servers

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
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database with the whole schema, dropped afterwards; which server's, `tests.databases` may say."""
    kind = getattr(request, "param", "plain")
    if kind == "plain":
        request.getfixturevalue("settings")
    with databases.timescale() if kind == "timescale" else databases.plain() as url:
        yield url
