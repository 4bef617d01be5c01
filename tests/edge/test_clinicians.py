"""The demo's simulated clinicians: they answer by the links they are sent, some come, one cannot, one hears nothing."""

import asyncio
import json
from random import Random

from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts.clinicians import HABITS, Clinicians
from infra.clock import Clock


def test_some_come_and_say_how_it_went_one_declines_and_one_hears_nothing() -> None:
    answers: list[tuple[str, str, str]] = []

    all_said = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        form = await request.post()
        answers.append((request.match_info["token"], request.match_info["kind"], str(form["by"])))
        if len(answers) == 10:
            all_said.set()
        return web.Response()

    async def story() -> None:
        app = web.Application()
        app.router.add_post("/p/{token}/{kind}", take)
        async with TestServer(app) as server:
            clinicians = Clinicians(Clock(speed=100_000.0), Random(1))
            for number in range(len(HABITS)):
                link = server.make_url(f"/p/tok-{number}")
                clinicians.heard(json.dumps({"target": "4101", "text": f"URGENT 4W 12:00 {link}"}))
            clinicians.heard(json.dumps({"target": "4101", "text": "a page without a link"}))
            async with asyncio.timeout(20):
                await all_said.wait()

    asyncio.run(story())
    by_page = [[kind for token, kind, _ in answers if token == f"tok-{number}"] for number in range(len(HABITS))]
    whole = ["acknowledge", "bedside", "outcome"]
    assert by_page == [whole, ["decline"], whole, [], whole]
    assert {who for _, _, who in answers} == {"4101"}
