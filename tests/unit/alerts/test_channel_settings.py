"""Settings of channels: what is wrong or unsafe is told at the start, with a remedy; and the page on channels says what the table of kinds says."""

from pathlib import Path

import pytest

from alerts.channels.configured import ChannelError, channels
from alerts.channels.kinds import KINDS, for_patients, silent
from infra.settings import ChannelSettings, PageSettings

PAGE = Path(__file__).parents[3] / "infra" / "docs" / "channels.md"
TWILIO = {"kind": "twilio_sms", "user": "AC1", "secret": "token", "sender": "+15005550006"}
HOOK = {"kind": "webhook", "address": "https://ehr.test/hook"}
EHR = {"kind": "hl7", "address": "ehr.test:2576", "sender": "VIGIL/HOSP"}
APPROVED = {"carries": "patient", "encrypted": True, "approved_by": "Dr Reed, Caldicott Guardian, 2026-11-02"}


def made(**settings: object) -> PageSettings:
    return PageSettings(channels={"one": ChannelSettings(**settings)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"kind": "pigeon", "address": "roof:1"}, "no kind of channel"),
        ({"kind": "snpp"}, "needs address"),
        ({"kind": "snpp", "address": "roof"}, "no HOST:PORT"),
        ({"kind": "pagerduty"}, "needs secret"),
        (TWILIO | {"user": ""}, "needs user"),
        (TWILIO | {"address": "http://api.twilio.test"}, "in the clear"),
        ({"kind": "kannel", "address": "http://kannel.test/", "user": "u", "secret": "p"}, "in the clear"),
        ({"kind": "wctp", "address": "carrier.test", "sender": "v"}, "no URL"),
        ({"kind": "wctp", "address": "http://[carrier/", "sender": "v"}, "no URL"),
        ({"kind": "webhook", "address": "https://me:secret@hook.test/"}, "holds a password"),
        (HOOK | {"carries": "patient"}, "encrypted and approved"),
        (HOOK | APPROVED | {"encrypted": False}, "encrypted and approved"),
        (HOOK | APPROVED | {"approved_by": " "}, "encrypted and approved"),
        (HOOK | APPROVED | {"address": "http://ehr.test/hook"}, "is not encrypted"),
        (TWILIO | APPROVED, "never carries a patient"),
        ({"kind": "snpp", "address": "p:444", "tls": True} | APPROVED, "never carries a patient"),
        ({"kind": "apprise", "secret": "json://h"} | APPROVED, "never carries a patient"),
        ({"kind": "smtp", "address": "mail.test:25"} | APPROVED, "is not encrypted"),
        (EHR | {"tls": True}, "hl7 names the patient"),
        (EHR | APPROVED, "is not encrypted"),
        (EHR | APPROVED | {"tls": True, "approved_by": ""}, "encrypted and approved"),
        (EHR | APPROVED | {"tls": True, "tls_ca": "/nowhere.pem"}, "certificates cannot be used"),
        (EHR | APPROVED | {"tls": True, "write_back": ("news2",)}, "when = never"),
        (EHR | APPROVED | {"tls": True, "write_when": "band", "write_to": "EHR"}, "names no score"),
        (EHR | APPROVED | {"tls": True, "write_when": "band", "write_to": "EHR", "write_back": ("apache", "news2")}, "names apache"),
        (EHR | APPROVED | {"tls": True, "write_when": "every", "write_back": ("news2",)}, "nobody is named"),
        (HOOK | {"write_when": "every", "write_back": ("news2",), "write_to": "EHR"}, "files no scores"),
    ],
)
def test_a_wrong_or_unsafe_channel_is_refused_at_the_start_with_a_remedy(settings: dict[str, object], wrong: str) -> None:
    with pytest.raises(ChannelError) as refused:
        channels(made(**settings))
    told, remedy = str(refused.value).split("\n")
    assert told.startswith("page.channels.one: ")
    assert wrong in told
    assert remedy
    assert "secret" not in told.replace("needs secret", "").replace("the secret would", "")


@pytest.mark.parametrize(
    ("settings", "carries", "speaks_to_nobody"),
    [
        (HOOK, False, False),
        (HOOK | APPROVED, True, False),
        (EHR | APPROVED | {"tls": True}, True, True),
        ({"kind": "smtp", "address": "mail.test:465", "tls": True} | APPROVED, True, False),
        (HOOK | {"encrypted": True, "approved_by": "Dr Reed"}, False, False),
    ],
)
def test_only_an_approved_channel_that_asks_for_it_carries_a_patient(
    settings: dict[str, object], carries: bool, speaks_to_nobody: bool
) -> None:
    page = made(**settings)
    assert list(channels(page)) == ["one"]
    assert (for_patients(page) == {"one"}, silent(page) == {"one"}) == (carries, speaks_to_nobody)


def test_the_page_on_channels_says_what_the_table_of_kinds_says() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    told = {row[0].strip("`"): row[2:6] for row in rows if len(row) == 7}
    assert told == {
        name: [
            kind.accepted, "yes" if kind.once else "no, may repeat", "no" if kind.answers == "none" else kind.answers,
            "if approved" if kind.patient else "never",
        ]
        for name, kind in KINDS.items()
    }  # fmt: skip
