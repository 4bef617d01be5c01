"""What each kind of channel promises, as one table: the settings are checked against it, and `infra/docs/channels.md` repeats it."""

from typing import Final, Literal

from msgspec import Struct

from infra.settings import ChannelSettings, PageSettings

Answers = Literal["none", "asked", "called back"]
"""How what is pressed reaches Vigil: the terminal is asked for it, or the provider calls the board."""


class Kind(Struct, frozen=True, kw_only=True):
    """`accepted`: what counts as sent. `once`: the provider drops a page it has seen. `answers`: where `two_way` is set. `patient`: may be approved to
    carry who it is about. `people`: whether an accepted page has reached somebody. `own_address`: it has one where the settings name none.
    """

    accepted: str
    once: bool
    answers: Answers = "none"
    follows: bool = False
    patient: bool = False
    people: bool = True
    own_address: bool = False
    needs: tuple[str, ...] = ()


KINDS: Final[dict[str, Kind]] = {
    "snpp": Kind(accepted="250, 860 or 960 after SEND", once=False, answers="asked", follows=True, needs=("address",)),
    "wctp": Kind(accepted="a 2xx success code", once=False, answers="asked", needs=("address", "sender")),
    "smtp": Kind(accepted="250 after the message", once=False, patient=True, needs=("address",)),
    "webhook": Kind(accepted="HTTP 2xx", once=True, patient=True, needs=("address",)),
    "twilio_sms": Kind(accepted="HTTP 201", once=False, answers="called back", own_address=True, needs=("user", "secret", "sender")),
    "twilio_voice": Kind(
        accepted="HTTP 201", once=False, answers="called back", follows=True, own_address=True, needs=("user", "secret", "sender")
    ),
    "kannel": Kind(accepted="HTTP 202", once=False, answers="called back", needs=("address", "user", "secret")),
    "pagerduty": Kind(accepted="HTTP 202", once=True, follows=True, own_address=True, needs=("secret",)),
    "hl7": Kind(accepted="AA or CA", once=True, patient=True, people=False, needs=("address", "sender")),
    "apprise": Kind(accepted="the service's yes", once=False, own_address=True, needs=("secret",)),
}


def for_patients(settings: PageSettings) -> frozenset[str]:
    """Those whose pages say whom they are about."""
    return frozenset(name for name, one in settings.channels.items() if may_carry_patient(one))


def may_carry_patient(settings: ChannelSettings) -> bool:
    """Whether a channel's settings say that patient data may go that way: asked for, encrypted, and approved by somebody who is named."""
    return settings.carries == "patient" and settings.encrypted and bool(settings.approved_by.strip())


def silent(settings: PageSettings) -> frozenset[str]:
    """Those that reach a computer and nobody: a page that they accept has not been told to anyone."""
    return frozenset(name for name, one in settings.channels.items() if one.kind in KINDS and not KINDS[one.kind].people)
