"""A result means the same under every trigger that carries one, an order too, and text the same in every character set."""

import pytest

from parsers.events import Observation, Order
from parsers.read import read

PID = "PID|1||77^^^H^MR||Doe^Jo||19500101|F\r"
PV1 = "PV1|1|I|4W^1^1\r"
ORDER = "OBR|1|P1|F1|24321-2^Panel^LN|||20260301113000\r"
RESULT = "OBX|1|NM|2823-3^Potassium^LN||4.4|mmol/L|||||F\r"
SPECIMEN = "SPM|1|S1||SER^Serum^HL70487|||||||||||||20260301113000\r"


def sent(kind: str, body: str, version: str = "2.5.1", charset: str = "", codec: str = "utf-8") -> bytes:
    head = f"MSH|^~\\&|LAB|H|V|V|20260301120000+0100||{kind}|1|P|{version}|||AL|NE||{charset}\r"
    return (head + PID + body).encode(codec)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("ORU^R01^ORU_R01", PV1 + ORDER + RESULT),
        ("ORU^R30^ORU_R30", PV1 + "ORC|NW\r" + ORDER + RESULT),
        ("ORU^R32^ORU_R30", "ORC|NW\r" + ORDER + RESULT),
        ("OUL^R21^OUL_R21", PV1 + "SAC|||X\rORC|RE\r" + ORDER + RESULT),
        ("OUL^R22^OUL_R22", SPECIMEN + ORDER + "ORC|RE\r" + RESULT),
        ("OUL^R23^OUL_R23", SPECIMEN + "SAC|||C1\r" + ORDER + RESULT),
        ("OUL^R24^OUL_R24", ORDER + RESULT + SPECIMEN),
    ],
)
def test_a_result_means_the_same_under_every_trigger(kind: str, body: str) -> None:
    message = read(sent(kind, body))
    [result] = message.events
    assert message.ack == "AA"
    assert isinstance(result, Observation)
    assert (result.code, result.value_num, result.unit, str(result.observed_at)) == ("2823-3", 4.4, "mmol/L", "2026-03-01 10:30:00+00:00")


@pytest.mark.parametrize("kind", ["ORM^O01^ORM_O01", "OML^O21^OML_O21", "OMG^O19^OMG_O19"])
def test_an_order_means_the_same_under_every_trigger(kind: str) -> None:
    message = read(sent(kind, "ORC|NW|P1\r" + ORDER))
    [order] = message.events
    assert isinstance(order, Order)
    assert (order.control, order.placer_number, order.filler_number, order.code) == ("NW", "P1", "F1", "24321-2")


@pytest.mark.parametrize(
    "version", ["2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2", "2.9", "2.5.1^USA"]
)
def test_a_result_means_the_same_in_every_version(version: str) -> None:
    [result] = read(sent("ORU^R01", ORDER + RESULT, version)).events
    assert isinstance(result, Observation)
    assert result.canonical is not None
    assert result.canonical.value_num == 4.4


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("8859/1", "iso8859-1", "café"),
        ("8859/15", "iso8859-15", "12 € café"),
        ("UNICODE UTF-8", "utf-8", "naïve 你"),
        ("UNICODE UTF-16", "utf-16", "你好"),
        ("GB 18030-2000", "gb18030", "你好"),
        ("BIG-5", "big5", "漢"),
        ("KS X 1001", "euc_kr", "가"),
        ("ASCII~ISO IR87", "iso2022_jp", "漢字"),
    ],
)
def test_text_is_the_same_in_every_character_set(charset: str, codec: str, text: str) -> None:
    [result] = read(sent("ORU^R01", ORDER + f"OBX|1|ST|X^Finding^L||{text}||||||F\r", charset=charset, codec=codec)).events
    assert isinstance(result, Observation)
    assert result.value_text == text
