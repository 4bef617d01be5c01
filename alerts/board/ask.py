"""Asks the database on another thread, so that a slow answer holds no other request up."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import psycopg
from aiohttp import web

from infra.database import racing

T = TypeVar("T")


class Ask:
    """One connection a question, asked again where it met a worker or another answer at the same episode and lost. Raises 503 with the text `away`
    where the database does not answer."""

    def __init__(self, connect: Callable[[], psycopg.Connection], away: str = "the database does not answer") -> None:
        self._connect, self._away = connect, away

    async def __call__(self, question: Callable[[psycopg.Connection], T]) -> T:
        """What the question finds."""

        def asked() -> T:
            with self._connect() as connection:
                return question(connection)

        try:
            return await asyncio.to_thread(racing.done, asked)
        except psycopg.OperationalError as away:
            raise web.HTTPServiceUnavailable(text=self._away) from away
