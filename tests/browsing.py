"""A browser before a board on a real port."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientSession, web

from alerts.board.app import Board
from infra.database.connect import connect
from infra.settings import BoardSettings
from tests.episodes import NOON, Bedside
from tests.rosters import ROSTER, Ward

Visit = Callable[[ClientSession, str], Awaitable[Any]]


def browse(bedside: Bedside | Ward, visit: Visit, url: str | None = None, settings: BoardSettings | None = None) -> Any:
    """What the visit finds. `url`: another database than the bedside's; `settings`: of a board that is not one's own machine's."""

    async def visited() -> Any:
        board = Board(lambda: connect(url or bedside.url), bedside.metrics, lambda: NOON, lambda: ROSTER, settings=settings)
        runner = web.AppRunner(board.application())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with ClientSession() as session:
                return await visit(session, f"http://127.0.0.1:{runner.addresses[0][1]}")
        finally:
            await runner.cleanup()

    return asyncio.run(visited())
