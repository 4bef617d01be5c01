"""PagerDuty against PagerDuty's own client: the same events to the same place, and what its answers mean."""

import asyncio
import json
from typing import Any

import pagerduty
import pytest

from alerts.channels.channel import Accepted, Ending, Page, Refused
from alerts.channels.pagerduty import PagerDuty
from tests.callbacks import sink
from tests.episodes import NOON

KEY = "0123456789abcdef0123456789abcdef"
PAGE = Page(page_id="pg-0011", tier="rapid_response", unit="4W", created_at=NOON, link="https://vigil.test/p/t0k")
TAKEN = {"status": 202, "body": json.dumps({"status": "success", "message": "Event processed", "dedup_key": "pg-0011"})}
ACTIONS = {"trigger", "acknowledge", "resolve"}
SEVERITIES = {"critical", "error", "warning", "info"}
"""Events API v2: the values of event_action and payload.severity; summary, source and severity are required of a trigger."""


def events(endings: list[Ending]) -> list[dict[str, Any]]:
    with sink(**TAKEN) as provider:
        channel = PagerDuty(KEY, 5.0, url=f"{provider.url}/v2/enqueue", allow_private=True)
        assert asyncio.run(channel.send(PAGE, "rapid response team")) == Accepted(provider_ref="pg-0011")
        for ending in endings:
            assert asyncio.run(channel.follow("pg-0011", "pg-0011", ending))
    assert {(one.method, one.path, one.headers["Content-Type"]) for one in provider.requests} == {
        ("POST", "/v2/enqueue", "application/json")
    }
    return [json.loads(one.body) for one in provider.requests]


def test_events_are_what_pagerdutys_own_client_sends() -> None:
    trigger, acknowledge, resolve = events(["acknowledged", "over"])
    with sink(**TAKEN) as provider:
        client = pagerduty.EventsApiV2Client(KEY)
        client._url = provider.url  # its setter insists on https
        properties = {name: value for name, value in trigger.items() if name not in ("routing_key", "event_action", "dedup_key")}
        client.send_event("trigger", dedup_key="pg-0011", **properties)
        client.acknowledge("pg-0011")
        client.resolve("pg-0011")
        client.close()
    assert [json.loads(one.body) for one in provider.requests] == [trigger, acknowledge, resolve]
    assert {one.path for one in provider.requests} == {"/v2/enqueue"}


def test_an_event_keeps_to_the_published_schema_and_names_unit_tier_and_time() -> None:
    [trigger] = events([])
    assert set(trigger) == {"routing_key", "event_action", "dedup_key", "client", "client_url", "payload", "links"}
    payload = trigger["payload"]
    assert (
        {"summary", "source", "severity"} <= set(payload) <= {"summary", "source", "severity", "timestamp", "component", "group", "class"}
    )
    assert trigger["event_action"] in ACTIONS
    assert payload["severity"] in SEVERITIES
    assert len(trigger["dedup_key"]) <= 255
    assert len(payload["summary"]) <= 1024
    assert (payload["summary"], payload["timestamp"]) == ("RAPID RESPONSE 4W 12:00", "2026-03-01T12:00:00+00:00")
    assert trigger["links"] == [{"href": "https://vigil.test/p/t0k", "text": "Answer"}]


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (429, False), (500, False), (503, False)])
def test_a_refusal_is_permanent_only_where_the_event_is_wrong(status: int, permanent: bool) -> None:
    with sink(status=status) as provider:
        channel = PagerDuty(KEY, 5.0, url=provider.url, allow_private=True)
        assert asyncio.run(channel.send(PAGE, "")) == Refused(permanent=permanent, detail=f"pagerduty: answered {status}")
        assert asyncio.run(channel.follow("pg-0011", None, "over")) is permanent
