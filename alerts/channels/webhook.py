"""A signed HTTP request. Source: the Standard Webhooks specification, by its own library."""

from datetime import UTC, datetime

import aiohttp
import msgspec
from standardwebhooks.webhooks import Webhook as Signer

from alerts.channels.channel import Accepted, Page, Refused

TRY_AGAIN = frozenset({408, 409, 423, 425, 429})
"""4xx answers that speak of the moment and not of the request."""


class Webhook:
    """`webhook-id` is the page's id: a receiver that has seen it before may answer 2xx and do nothing."""

    def __init__(self, url: str, secret: str, timeout_s: float) -> None:
        self._url, self._signer, self._timeout = url, Signer(secret) if secret else None, aiohttp.ClientTimeout(total=timeout_s)

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """2xx accepts; 410 and other 4xx are permanent."""
        now = datetime.now(UTC)
        data: dict[str, str | bool | None] = {
            "page_id": page.page_id,
            "tier": page.tier,
            "unit": page.unit,
            "target": target,
            "link": page.link,
        }
        data |= {"may_repeat": True} if page.may_repeat else {}
        body = msgspec.json.encode({"type": "vigil.page", "timestamp": page.created_at.isoformat(), "data": data}).decode()
        headers = {"content-type": "application/json", "webhook-id": page.page_id, "webhook-timestamp": str(int(now.timestamp()))}
        if self._signer is not None:
            headers["webhook-signature"] = self._signer.sign(page.page_id, now, body)
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status < 300:
                    return Accepted()
                permanent = 400 <= answer.status < 500 and answer.status not in TRY_AGAIN
                return Refused(permanent=permanent, detail=f"webhook: answered {answer.status}")
        except aiohttp.ClientConnectorError as error:
            return Refused(permanent=False, detail=f"webhook: {type(error).__name__}")
        except TimeoutError:
            return Refused(permanent=False, detail="webhook: no answer in time", unknown=True)
        except (aiohttp.ClientError, OSError) as error:
            return Refused(permanent=False, detail=f"webhook: {type(error).__name__}", unknown=True)
