"""A signed HTTP request. Source: the Standard Webhooks specification, by its own library."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from standardwebhooks.webhooks import Webhook as Signer

from alerts.channels.channel import Accepted, Page, Refused
from alerts.channels.egress import Answered, Egress


class Webhook:
    """`webhook-id` is the page's id: a receiver that has seen it before may answer 2xx and do nothing."""

    def __init__(self, url: str, secret: str, timeout_s: float, *, allow_private: bool = False) -> None:
        self._url, self._signer = url, Signer(secret) if secret else None
        self._egress = Egress("webhook", timeout_s, allow_private=allow_private)

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """2xx accepts; 410 and other 4xx are permanent."""
        now = datetime.now(UTC)
        data: dict[str, Any] = {
            "page_id": page.page_id,
            "tier": page.tier,
            "unit": page.unit,
            "target": target,
            "link": page.link,
        }
        data |= {"may_repeat": True} if page.may_repeat else {}
        data |= {"patient": msgspec.to_builtins(page.chart)} if page.chart is not None else {}
        body = msgspec.json.encode({"type": "vigil.page", "timestamp": page.created_at.isoformat(), "data": data}).decode()
        headers = {"content-type": "application/json", "webhook-id": page.page_id, "webhook-timestamp": str(int(now.timestamp()))}
        if self._signer is not None:
            headers["webhook-signature"] = self._signer.sign(page.page_id, now, body)
        answer = await self._egress.post(self._url, body, headers=headers)
        return (answer.refusal("webhook") or Accepted()) if isinstance(answer, Answered) else answer
