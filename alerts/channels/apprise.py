"""The long tail, by the library Apprise: a hundred services behind one URL each. No patient ever, no idempotency, no reason of a failure."""

import asyncio
import logging
import socket
import warnings
from typing import Any, Final
from urllib.parse import quote

from apprise import Apprise as Library
from apprise import AppriseAsset, NotifyType, PersistentStoreMode

from alerts.channels.channel import Accepted, Page, Refused, plain
from alerts.channels.egress import is_private

TARGET: Final = "{target}"
"""Where a page's target goes in the URL, quoted."""


class Apprise:
    """`url`: Apprise's, which holds the service's secrets. Each page makes its own client: nothing of one is left for another.

    Raises ValueError, without the URL, for one that the library does not know.
    """

    def __init__(self, url: str, timeout_s: float, *, allow_private: bool = False) -> None:
        self._url, self._timeout_s, self._allow_private = url, timeout_s, allow_private
        self._asset = AppriseAsset(app_id="Vigil", app_desc="Vigil", secure_logging=True, storage_mode=PersistentStoreMode.MEMORY)
        logging.getLogger("apprise").setLevel(
            logging.CRITICAL
        )  # it names hosts and repeats answers; what became of a page is told by the pager
        with warnings.catch_warnings():  # the first URL loads every service, and with them modules that Python is giving up
            warnings.simplefilter("ignore", DeprecationWarning)
            self._library(TARGET)

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """Accepted means that the service answered the library with success. It says no more than yes or no: after a no nobody knows whether
        the page arrived, and it may repeat."""
        try:
            library = self._library(target)
        except ValueError:
            return Refused(permanent=True, detail="apprise: with this target the URL is none that it knows")
        try:
            async with asyncio.timeout(self._timeout_s):
                if not self._allow_private and await _leads_inside(library):
                    return Refused(permanent=True, detail="apprise: a private address; set allow_private = true if it is meant")
                taken = await library.async_notify(body=plain(page.text), title=plain(page.subject), notify_type=NotifyType.WARNING)
        except TimeoutError:
            return Refused(permanent=False, detail="apprise: no answer in time", unknown=True)
        return Accepted() if taken else Refused(permanent=False, detail="apprise: not taken", unknown=True)

    def _library(self, target: str) -> Any:
        library = Library(asset=self._asset)
        if not library.add(self._url.replace(TARGET, quote(plain(target), safe=""))):
            raise ValueError("no URL that Apprise knows")
        return library


async def _leads_inside(library: Any) -> bool:
    """Whether a host that the URL names has a private address now. The library connects by itself and later: this keeps out mistakes, not an enemy
    who commands the name."""
    for service in library:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(str(getattr(service, "host", None) or ""), 0, type=socket.SOCK_STREAM)
        except OSError:  # many services keep a key where others keep a host
            continue
        if any(is_private(str(address[0])) for *_, address in found):
            return True
    return False
