"""A storm: a thousand episodes at once, a real paging terminal, one pager; the gravest first and none late."""

import asyncio
import json
import logging
import time
from pathlib import Path

from alerts.catchers import Book, serve
from alerts.channels.snpp import Snpp
from alerts.pager import Pager
from alerts.routing import Route
from infra.database.connect import connect
from infra.settings import PageSettings
from tests.edge.test_channels_and_catchers import free_ports, opened
from tests.episodes import NOON, Bedside

ROUTES = (Route(tier="rapid_response", channel="pager", target="2222"), Route(tier="urgent", channel="pager", target="4101"))
EPISODES = 1000


def test_the_first_pages_of_a_thousand_episodes_are_accepted_within_ten_seconds_rapid_response_first(
    postgres_url: str, tmp_path: Path
) -> None:
    bedside = Bedside(postgres_url, routes=ROUTES)
    moments = [bedside.moment(str(number), 0, "open") for number in range(EPISODES)]
    scores = [bedside.score(one, 8 if number % 5 == 0 else 5, 0) for number, one in enumerate(moments)]
    ports = free_ports()

    async def story() -> float:
        stopping, caught = asyncio.Event(), asyncio.Event()
        catching = asyncio.create_task(serve(Book(tmp_path / "pages.jsonl"), ports, caught))
        await asyncio.to_thread(opened, ports)
        way = Snpp("127.0.0.1", ports[0], 5.0)
        pager = Pager(
            lambda: connect(bedside.url), {"pager": way}, PageSettings(routes=ROUTES), bedside.metrics, "http://board", lambda: NOON
        )
        running = asyncio.create_task(pager.run(stopping))
        began = time.monotonic()
        await asyncio.to_thread(bedside.again, moments, scores)
        while bedside.ask("SELECT count(*) FROM vigil.pages WHERE state = 'accepted'") != [(EPISODES,)]:
            assert time.monotonic() - began < 60
            await asyncio.sleep(0.1)
        took_s = time.monotonic() - began
        stopping.set()
        await running
        caught.set()
        await catching
        return took_s

    took_s = asyncio.run(story())
    logging.getLogger("vigil.trial").info("%d first pages accepted within %.1f s of the first decision", EPISODES, took_s)
    assert took_s < 10
    targets = [json.loads(line)["target"] for line in (tmp_path / "pages.jsonl").read_text().splitlines()]
    assert targets == ["2222"] * (EPISODES // 5) + ["4101"] * (EPISODES - EPISODES // 5)
