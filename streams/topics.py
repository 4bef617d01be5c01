"""The Kafka topics and record headers, named once."""

import re
from typing import Final

ADT: Final = "hl7.adt"
ORU: Final = "hl7.oru"
ORM: Final = "hl7.orm"
MDM: Final = "hl7.mdm"
RAW: Final = (ADT, ORU, ORM, MDM)
"""Raw messages, byte for byte, keyed by patient; equal partition counts, so that one patient's traffic meets in one worker."""

QUARANTINE: Final = "hl7.quarantine"
SCORES: Final = "vigil.scores"
ALERTS: Final = "vigil.alerts"

GROUP: Final = "vigil-work"
"""The workers' consumer group; Faust commits in it what they have recorded."""

RECEIVED_AT: Final = "received_at"
FEED: Final = "feed"
CONTROL_ID: Final = "control_id"
SENT_BY: Final = "sent_by"
REASON: Final = "reason"

_COUNTED = re.compile(r"(ADT\^A|ORU\^R|OUL\^R|(?:ORM|OM[LGPIDSNB]|RDE|RDS|RAS|RGV)\^O|MDM\^T)[0-9]{2}")


def topic_for(message_type: str | None) -> str:
    """The raw topic of an MSH-9 type; what is none of ours goes with the ADT, where it is recorded as ignored.

    >>> topic_for("ORU^R01"), topic_for("OML^O21"), topic_for("MDM^T02"), topic_for("SIU^S12")
    ('hl7.oru', 'hl7.orm', 'hl7.mdm', 'hl7.adt')
    """
    match (message_type or "")[:3]:
        case "ORU" | "OUL":
            return ORU
        case "ORM" | "OML" | "OMG" | "OMP" | "OMI" | "OMD" | "OMS" | "OMN" | "OMB" | "RDE" | "RDS" | "RAS" | "RGV":
            return ORM
        case "MDM":
            return MDM
        case _:
            return ADT


def type_label(message_type: str | None) -> str:
    """A metric label from MSH-9: whatever is no event Vigil could use counts as `other`, so that labels stay bounded and hold nobody's name.

    >>> type_label("ADT^A01"), type_label("ADT^DOE"), type_label("ADT^A01^X"), type_label(None)
    ('ADT^A01', 'other', 'other', 'other')
    """
    return message_type if message_type and _COUNTED.fullmatch(message_type) else "other"
