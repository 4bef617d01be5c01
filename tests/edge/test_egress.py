"""HTTP that leaves the hospital: no private address unless it is allowed, looked at when the connection is made; no redirects; and what is known afterwards."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import aiohttp.resolver
import pytest

from alerts.channels.channel import Accepted, Page, Refused
from alerts.channels.egress import MOST_BYTES, Answered, Egress
from alerts.channels.webhook import Webhook
from tests.callbacks import Sink, free_port, sink
from tests.episodes import NOON

PAGE = Page(page_id="pg-1", tier="urgent", unit="4W", created_at=NOON, link="https://vigil.test/p/t0k")
KEPT_OUT = Refused(permanent=True, detail="webhook: a private address; set allow_private = true if it is meant")


@pytest.fixture
def inside() -> Iterator[Sink]:
    """A service of the hospital's own network, that no page may be led to."""
    with sink() as one:
        yield one


def sent(url: str, *, allow_private: bool = False, timeout_s: float = 5.0) -> Accepted | Refused:
    return asyncio.run(Webhook(url, "", timeout_s, allow_private=allow_private).send(PAGE, ""))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"])
def test_a_web_hook_to_a_private_address_is_refused_however_it_is_written(inside: Sink, host: str) -> None:
    port = inside.url.rpartition(":")[2]
    outcome = sent(f"http://{host}:{port}/")
    assert isinstance(outcome, Refused)
    assert inside.requests == []
    assert outcome == KEPT_OUT or host in ("127.1", "2130706433")  # what no resolver takes for an address is refused as that


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "172.16.0.1", "192.168.1.1", "0.0.0.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::a00:1]"],
)
def test_the_networks_of_a_hospital_and_the_metadata_of_a_cloud_are_private(address: str) -> None:
    assert sent(f"http://{address}/") == KEPT_OUT


def test_what_is_meant_is_allowed(inside: Sink) -> None:
    assert sent(f"{inside.url}/hook", allow_private=True) == Accepted()
    assert [one.path for one in inside.requests] == ["/hook"]


def test_a_name_that_turns_private_between_two_looks_leads_nowhere(inside: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: whatever a name was a moment ago, what counts is the address that the connection is made to."""
    looks: list[str] = []

    async def resolve(self: Any, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[dict[str, Any]]:
        looks.append("9.9.9.9" if not looks else "127.0.0.1")
        return [{"hostname": host, "host": looks[-1], "port": port, "family": socket.AF_INET, "proto": 0, "flags": socket.AI_NUMERICHOST}]

    monkeypatch.setattr(aiohttp.resolver.DefaultResolver, "resolve", resolve)
    url = f"http://rebound.test:{inside.url.rpartition(':')[2]}/"
    outcomes = [sent(url, timeout_s=0.4), sent(url)]
    assert outcomes[1] == KEPT_OUT
    assert outcomes[0] != KEPT_OUT
    assert (looks, inside.requests) == (["9.9.9.9", "127.0.0.1"], [])


def test_a_redirect_is_not_followed(inside: Sink) -> None:
    with sink(status=307, headers={"Location": f"{inside.url}/secret"}) as hook:
        assert sent(hook.url, allow_private=True) == Refused(permanent=False, detail="webhook: answered 307")
    assert inside.requests == []


def test_a_long_answer_is_cut() -> None:
    with sink(body="x" * (3 * MOST_BYTES)) as provider:
        answer = asyncio.run(Egress("any", 5.0, allow_private=True).post(provider.url, b""))
    assert isinstance(answer, Answered)
    assert len(answer.body) == MOST_BYTES


def test_before_the_request_was_sent_it_is_known_not_to_have_arrived() -> None:
    outcome = sent(f"http://127.0.0.1:{free_port()}/", allow_private=True)
    assert isinstance(outcome, Refused)
    assert (outcome.permanent, outcome.unknown) == (False, False)


def test_after_the_request_was_sent_nobody_knows() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outcome = sent(f"http://127.0.0.1:{silent.getsockname()[1]}/", allow_private=True, timeout_s=0.5)
    assert outcome == Refused(permanent=False, detail="webhook: no answer in time", unknown=True)
