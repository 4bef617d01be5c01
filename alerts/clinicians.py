"""Simulated clinicians for the demo: of those who are paged some come, some cannot, some do not hear it; they answer by the page's link, as people do."""

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from itertools import cycle
from random import Random
from typing import Final

import aiohttp

from infra.clock import Clock

LINK: Final = re.compile(r"https?://[^\s\"]+/p/[\w-]+")
HABITS: Final = ("comes", "cannot", "comes", "hears nothing", "comes")
"""In turn: so that whoever looks at the demo for a few minutes sees a page acknowledged, one declined and one that escalates."""


class Clinicians:
    """`heard` is called with each page that a catcher wrote down. Their minutes are Vigil's."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock, self._random = clock, random
        self._busy: set[asyncio.Task[None]] = set()
        self._habits = cycle(HABITS)

    def heard(self, line: str) -> None:
        """Somebody's pager beeps."""
        page = json.loads(line)
        link = LINK.search(page["text"])
        if link is not None:
            task = asyncio.get_running_loop().create_task(self._answer(next(self._habits), link.group(), page["target"] or "desk"))
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)

    async def _answer(self, habit: str, link: str, who: str) -> None:
        if habit == "hears nothing":
            return
        await self._minutes(1, 4)
        if habit == "cannot":
            await _post(f"{link}/decline", {"by": who})
            return
        await _post(f"{link}/acknowledge", {"by": who})
        await self._minutes(3, 12)
        await _post(f"{link}/bedside", {"by": who})
        await self._minutes(10, 30)
        outcome, action = self._random.choice(
            [("true", "fluids"), ("true", "oxygen"), ("true", "review"), ("known", "none"), ("false", "none")]
        )
        await _post(f"{link}/outcome", {"by": who, "outcome": outcome, "action": action})

    async def _minutes(self, least: float, most: float) -> None:
        await asyncio.sleep(self._clock.real_seconds(timedelta(minutes=self._random.uniform(least, most))))


async def _post(url: str, form: Mapping[str, str]) -> None:
    """A board that is away is a person whose phone has no signal."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session, session.post(url, data=form):
            return
    except (aiohttp.ClientError, TimeoutError):
        return
