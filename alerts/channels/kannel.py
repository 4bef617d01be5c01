"""SMS by SMPP (or a modem) through Kannel: its sendsms interface, with delivery reports. Source: Kannel 1.4.5 User's Guide, chapter 6."""

from typing import Final

from alerts.channels.channel import Accepted, Page, Refused, brief
from alerts.channels.egress import Answered, Egress
from alerts.channels.signatures import seal
from alerts.channels.twilio import number_of
from alerts.channels.words import OFFER, letters

REPORTS: Final = 1 | 2 | 16
"""dlr-mask: delivered to the phone, could not be delivered, refused by the SMSC."""


class Kannel:
    """One message a page. User and password go in headers, where no log keeps them; Kannel knows no idempotency key, so that an attempt may repeat."""

    def __init__(
        self, url: str, user: str, password: str, sender: str, timeout_s: float, *, callbacks: str | None, allow_private: bool = False
    ) -> None:
        self._url, self._user, self._password, self._sender, self._callbacks = url, user, password, sender, callbacks
        self._egress = Egress("kannel", timeout_s, allow_private=allow_private)

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """202 accepts: Kannel keeps it until the SMSC takes it. 4xx are permanent, 503 is not."""
        number = number_of(target)
        if number is None:
            return Refused(permanent=True, detail="kannel: the target is no number like +441632960001")
        headers = {
            "content-type": "text/plain; charset=UTF-8", "X-Kannel-Username": self._user, "X-Kannel-Password": self._password,
            "X-Kannel-To": number,
        }  # fmt: skip
        headers |= {"X-Kannel-From": self._sender} if self._sender else {}
        body = brief(page)
        if self._callbacks is not None:
            body += f" {OFFER} ({letters(page.page_id)})"
            headers["X-Kannel-DLR-Mask"] = str(REPORTS)
            headers["X-Kannel-DLR-Url"] = f"{self._callbacks}/report/{page.page_id}/{seal(self._password, page.page_id)}?status=%d"
        answer = await self._egress.post(self._url, body.encode(), headers=headers)
        return (answer.refusal("kannel") or Accepted()) if isinstance(answer, Answered) else answer
