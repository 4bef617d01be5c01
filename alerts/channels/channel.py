"""What every channel takes and answers: a page without PHI in, accepted or refused out."""

from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct


class Finding(Struct, frozen=True, kw_only=True):
    """One score of a patient: `value` as it was computed, None where inputs were missing; `as_of`: of what instant it speaks."""

    name: str
    version: str
    value: float | None
    as_of: datetime


class Chart(Struct, frozen=True, kw_only=True):
    """What identifies the patient, and what is known of them: PHI. A page has one only on a channel that is set up as encrypted and approved for it.

    `patient_id`: assigning authority and number, as `HOSP:4711`.
    """

    patient_id: str
    encounter_id: str | None
    patient_class: str | None
    bed: str | None
    reason: str
    findings: tuple[Finding, ...] = ()


class Page(Struct, frozen=True, kw_only=True):
    """What leaves the hospital's database: unit, tier, time and an opaque link. `page_id` is the idempotency key for providers that have one.

    `may_repeat`: an earlier attempt may have arrived, nobody knows; the text says so. `chart` is None except on approved channels.
    `alerts`: of how many it speaks, more than one in a storm.
    """

    page_id: str
    tier: str
    unit: str | None
    created_at: datetime
    link: str
    may_repeat: bool = False
    chart: Chart | None = None
    alerts: int = 1

    @property
    def subject(self) -> str:
        """One line, for pagers and mail.

        >>> from datetime import UTC
        >>> Page(page_id="p", tier="rapid_response", unit="4W", created_at=datetime(2026, 1, 1, 12, 5, tzinfo=UTC), link="l").subject
        'RAPID RESPONSE 4W 12:05'
        """
        again = " (may repeat)" if self.may_repeat else ""
        many = f" {self.alerts} ALERTS" if self.alerts > 1 else ""
        return f"{self.tier.replace('_', ' ').upper()} {self.unit or 'unit unknown'} {self.created_at:%H:%M}{many}{again}"

    @property
    def text(self) -> str:
        """The whole message."""
        return f"{self.subject} {self.link}"


class Accepted(Struct, frozen=True, kw_only=True):
    """The provider has taken the page on; `provider_ref` is its own name for it, where it gave one."""

    provider_ref: str | None = None


class Refused(Struct, frozen=True, kw_only=True):
    """The provider has not, or nobody knows. `permanent`: trying again would not help (an unknown pager, a wrong address).

    `unknown`: it was handed over and no answer came, so that trying again may repeat it.
    """

    permanent: bool
    detail: str
    unknown: bool = False


Reply = Literal["acknowledge", "decline"]
"""What can be answered on the device that a page arrives on."""


class Answering(Protocol):
    """A channel whose devices can answer."""

    async def reply(self, provider_ref: str) -> Reply | None:
        """What was answered to the page that the provider calls so; None where nothing was, or nobody knows. Never raises."""
        ...


Ending = Literal["acknowledged", "over"]
"""What a provider may be told of a page it has taken: somebody has taken it on; or nobody need answer any more (episode over, page declined or withdrawn)."""


class Following(Protocol):
    """A channel whose provider can be told what became of a page, or be asked to take it back."""

    async def follow(self, page_id: str, provider_ref: str | None, ending: Ending) -> bool:
        """Tells it. True where it is told, or never can be; False where it is to be told again. Never raises."""
        ...


class Filing(Protocol):
    """A channel to a computer that files scores with their patients."""

    async def file(self, control_id: str, chart: Chart, unit: str | None, target: str) -> Accepted | Refused:
        """Hands the chart's scores over. Never raises for what the other side or a network does."""
        ...


class Channel(Protocol):
    """One way to reach people."""

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """Hands one page over. Never raises for what a provider or a network does."""
        ...


def plain(text: str) -> str:
    """One line of printable ASCII: pagers and mail headers take no more, and a unit's name comes from a message anyone may send.

    >>> plain("4W\\r\\nDATA é")
    '4W DATA ?'
    """
    return " ".join("".join(character if 32 <= ord(character) < 127 else " " if character.isspace() else "?" for character in text).split())


def brief(page: Page, most: int = 400) -> str:
    """The whole message on one line of at most `most` characters; what is cut off is never the link.

    >>> from datetime import UTC
    >>> page = Page(page_id="p", tier="urgent", unit="4W" * 50, created_at=datetime(2026, 1, 1, 12, 5, tzinfo=UTC), link="https://v/p/t")
    >>> brief(page, 30)
    'URGENT 4W4W4W4W4 https://v/p/t'
    """
    link = plain(page.link)
    return f"{plain(page.subject)[: max(0, most - len(link) - 1)]} {link}"
