"""Apprise, with a service of its own kind at the other end: what it takes, what it refuses, and that it never says why."""

import asyncio
import json

import pytest

from alerts.channels.apprise import Apprise
from alerts.channels.channel import Accepted, Page, Refused
from alerts.channels.configured import ChannelError, channels
from infra.settings import ChannelSettings, PageSettings
from tests.callbacks import free_port, sink
from tests.episodes import NOON

PAGE = Page(page_id="pg-1", tier="urgent", unit="4W", created_at=NOON, link="https://vigil.test/p/t0k")


def sent(url: str, target: str = "team", *, allow_private: bool = True, timeout_s: float = 10.0) -> Accepted | Refused:
    return asyncio.run(Apprise(url, timeout_s, allow_private=allow_private).send(PAGE, target))


def test_a_page_reaches_a_service_and_the_target_is_quoted() -> None:
    with sink() as service:
        assert sent(service.url.replace("http", "json") + "/to/{target}", "the team/../x") == Accepted()
    [request] = service.requests
    assert request.path == "/to/the%20team%2F..%2Fx"
    body = json.loads(request.body)
    assert (body["title"], body["message"]) == ("URGENT 4W 12:00", "URGENT 4W 12:00 https://vigil.test/p/t0k")


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_no_has_no_reason_and_nobody_knows_what_arrived(status: int) -> None:
    with sink(status=status) as service:
        assert sent(service.url.replace("http", "json")) == Refused(permanent=False, detail="apprise: not taken", unknown=True)


def test_a_service_that_is_away_is_a_no_like_any_other() -> None:
    assert sent(f"json://127.0.0.1:{free_port()}") == Refused(permanent=False, detail="apprise: not taken", unknown=True)


def test_a_url_that_it_does_not_know_is_told_at_the_start_without_its_secret() -> None:
    settings = PageSettings(channels={"chat": ChannelSettings(kind="apprise", secret="pigeon://roof/s3cret")})
    with pytest.raises(ChannelError, match="no URL that Apprise knows") as refused:
        channels(settings)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_address_is_refused_unless_it_is_meant(host: str) -> None:
    with sink() as service:
        outcome = sent(f"json://{host}:{service.url.rpartition(':')[2]}", allow_private=False)
    assert outcome == Refused(permanent=True, detail="apprise: a private address; set allow_private = true if it is meant")
    assert service.requests == []


def test_what_goes_wrong_is_logged_without_the_services_secret(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with sink(status=500, body="s3cret-answer") as service:
        sent(service.url.replace("http://", "json://user:s3cret-password@"))
    out, err = capfd.readouterr()
    assert "s3cret" not in out + err + caplog.text
