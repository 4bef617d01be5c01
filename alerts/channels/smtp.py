"""Mail, by the library aiosmtplib; accepted means that the server answered 250 to the message."""

import ssl
from email.message import EmailMessage

import aiosmtplib

from alerts.channels.channel import Accepted, Page, Refused, plain


class Smtp:
    """One message a page; `Message-ID` is the page's, so that a mail server that sees it twice may drop the second."""

    def __init__(self, host: str, port: int, timeout_s: float, *, sender: str, context: ssl.SSLContext | None = None) -> None:
        self._host, self._port, self._timeout_s, self._sender, self._context = host, port, timeout_s, sender, context

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """5yz answers are permanent, everything else is not (RFC 5321, 4.2.1)."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, plain(target), plain(page.subject)
        message["Message-ID"] = f"<{page.page_id}@vigil>"
        message.set_content("\n\n".join((plain(page.subject), *_about(page), page.link)) + "\n")
        try:
            _, answer = await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                timeout=self._timeout_s,
                use_tls=self._context is not None,
                start_tls=False,
                tls_context=self._context,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            codes = [one.code for one in refused.recipients]
            return Refused(permanent=all(code >= 500 for code in codes), detail=f"smtp: recipient refused with {codes[0] if codes else 0}")
        except aiosmtplib.SMTPResponseException as refused:
            return Refused(permanent=refused.code >= 500, detail=f"smtp: answered {refused.code}")
        except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPConnectTimeoutError, OSError) as error:
            return Refused(permanent=False, detail=f"smtp: {type(error).__name__}")
        except (aiosmtplib.SMTPException, TimeoutError) as error:  # after the connection: it may have been handed over
            return Refused(permanent=False, detail=f"smtp: {type(error).__name__}", unknown=True)
        return Accepted(provider_ref=answer[:100] or None)


def _about(page: Page) -> tuple[str, ...]:
    """Whom it is about, where the channel is approved for that: in the body, never in the subject, which servers log."""
    chart = page.chart
    if chart is None:
        return ()
    return (" ".join(part for part in (chart.patient_id, f"bed {chart.bed}" if chart.bed else "", chart.reason) if part),)
