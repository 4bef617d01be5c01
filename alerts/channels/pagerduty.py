"""PagerDuty, by its Events API v2: an alert a page, acknowledged and resolved with it. Source: developer.pagerduty.com, Events API v2."""

from typing import Any, Final

import msgspec

from alerts.channels.channel import Accepted, Ending, Page, Refused, plain
from alerts.channels.egress import Answered, Egress

URL: Final = "https://events.pagerduty.com/v2/enqueue"
SEVERITIES: Final = {"rapid_response": "critical", "urgent": "error", "watch": "warning"}
"""Of PagerDuty's four; anything else that is sent, a test or a trouble of Vigil's own, is `info`."""
LONGEST_SUMMARY: Final = 1024
"""Characters; PagerDuty cuts there."""


class PagerDuty:
    """`dedup_key` is the page's id: an event sent twice is one alert, so that nothing repeats."""

    def __init__(self, routing_key: str, timeout_s: float, *, url: str = URL, allow_private: bool = False) -> None:
        self._key, self._url = routing_key, url or URL
        self._egress = Egress("pagerduty", timeout_s, allow_private=allow_private)

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """202 accepts; 400 is permanent, 429 and 5xx are not. `target` is shown as the alert's component; the service is the routing key's."""
        unit = plain(page.unit or "unit unknown")
        payload = {
            "summary": plain(page.subject)[:LONGEST_SUMMARY],
            "source": unit,
            "severity": SEVERITIES.get(page.tier, "info"),
            "timestamp": page.created_at.isoformat(),
            "class": page.tier,
            "group": unit,
        } | ({"component": plain(target)} if target else {})
        answer = await self._event(
            "trigger", page.page_id, client="Vigil", client_url=page.link, payload=payload, links=[{"href": page.link, "text": "Answer"}]
        )
        return (answer.refusal("pagerduty") or Accepted(provider_ref=page.page_id)) if isinstance(answer, Answered) else answer

    async def follow(self, page_id: str, provider_ref: str | None, ending: Ending) -> bool:
        """Acknowledges the alert, or resolves it."""
        answer = await self._event("acknowledge" if ending == "acknowledged" else "resolve", page_id)
        refused = answer.refusal("pagerduty") if isinstance(answer, Answered) else answer
        return refused is None or refused.permanent

    async def _event(self, action: str, key: str, **more: Any) -> Answered | Refused:
        event = {"routing_key": self._key, "event_action": action, "dedup_key": key} | more
        return await self._egress.post(self._url, msgspec.json.encode(event), headers={"content-type": "application/json"})
