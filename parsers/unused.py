"""Messages that are taken and give nothing: why, by kind and trigger. `infra/docs/feeds.md` shows the same to whoever connects a feed."""

from collections.abc import Mapping
from types import MappingProxyType

LINKED = "links or unlinks two numbers and merges nothing (mother and child are linked too): both stay apart until an A40 or A47 says they are one"
ARCHIVE = "clears an archive; what Vigil knows is kept as long as its own retention says"
QUERY = "a question to a system or its answer: Vigil asks nobody"
REPLY = "the reply to an order, which was read when it was sent"

TRIGGERS: Mapping[str, str] = MappingProxyType(
    {
        "ADT^A19": QUERY,
        "ADT^A20": "the state of a bed, not of a patient",
        "ADT^A23": ARCHIVE,
        "ADT^A24": LINKED,
        "ADT^A29": ARCHIVE,
        "ADT^A37": LINKED,
        "ADT^A48": "changes an alternate number (MRG-2), by which no patient is keyed here",
        "ADT^A51": "changes an alternate visit number (MRG-6), by which no visit is keyed here",
    }
)
"""HL7 2.5.1, 3.3: the ADT events that say nothing of where a patient is, who it is or how it fares."""

KINDS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("ACK", "MCF"), "an acknowledgement"),
        **dict.fromkeys(("BAR", "DFT", "EHC"), "billing"),
        **dict.fromkeys(("SIU", "SRM", "SRR", "SQM", "SQR"), "appointments"),
        **dict.fromkeys(("MFN", "MFK", "MFD", "MFQ", "MFR"), "master files; codes come by table, see the profile"),
        **dict.fromkeys(("PPR", "PGL", "PPP", "PPG", "PPT", "PPV", "PRR", "PTR", "PIN"), "problems, goals and pathways: no score uses them"),
        **dict.fromkeys(("REF", "RRI", "RPA", "RPI", "RPL", "RPR", "RQA", "RQC", "RQI", "RQP", "RCI", "RCL", "CCR", "CCU", "CCM"), "referrals"),
        **dict.fromkeys(("VXU", "VXQ", "VXR", "VXX"), "immunisations: no score uses them; drugs given are read from RAS and RDE"),
        **dict.fromkeys(("CRM", "CSU"), "clinical trials"),
        **dict.fromkeys(("PEX", "SUR"), "reports on products"),
        **dict.fromkeys(("BPS", "BRP", "BRT", "BTS"), "dispensing of blood products; their orders (OMB) are read"),
        **dict.fromkeys(("PMU", "STF", "STC"), "staff and stock"),
        **dict.fromkeys(("NMD", "NMQ", "NMR", "NUL"), "housekeeping of a network"),
        **dict.fromkeys(
            ("ESU", "ESR", "SSU", "SSR", "INU", "INR", "EAC", "EAN", "EAR", "LSU", "LSR", "TCU", "TCR", "EHC"), "laboratory automation"
        ),
        **dict.fromkeys(("SDR", "SDS", "SLR", "SLS", "SLN", "SLI", "SMD", "SCN", "SDN"), "sterilisation"),
        **dict.fromkeys(("DOC", "DSR", "UDM"), "a text laid out for a screen, without fields"),
        **dict.fromkeys(
            ("ORR", "ORL", "ORG", "ORD", "ORS", "ORN", "ORI", "ORP", "ORB", "RRE", "RRD", "RRG", "RRA", "OPR", "ORX", "ORA"), REPLY
        ),
        **dict.fromkeys(
            (
                "QRY", "QCK", "QCN", "QBP", "QSB", "QSX", "QVR", "RSP", "RTB", "RDY", "RDR", "RGR", "RAR", "ROR", "RER", "RCP", "ADR", "ORF", "OSQ", "OSR",
                "EDR", "EQQ", "ERP", "ERQ", "SPQ", "SQQ", "TBR", "VQQ", "RQQ", "QRF",
            ),
            QUERY,
        ),
    }
)  # fmt: skip
"""HL7 table 0076: kinds of message, whatever their trigger."""

NO_TRIGGER = "MSH-9: no event of this kind of message that Vigil knows; if it is a local one, read_as in the profile says what it means"
NO_KIND = "MSH-9: no kind of message that Vigil knows; if it is a local one, read_as in the profile says what it means"
NO_RESULT = "OBX: no result or order in it"
NO_PATIENT = "PID: the message is about no patient, which HL7 allows of this kind; what it says is kept on Kafka alone"
ONE_PART = "DSC-1, MSH-14: one part of a longer message, read with the others"
SAME = "MRG: what it names is the patient's own already"
NO_NUMBER = "{field}: no {section} is named, so none is joined to another"

READ_KINDS = frozenset(
    {"ADT", "ORU", "OUL", "ORM", "OML", "OMG", "OMP", "OMI", "OMD", "OMS", "OMN", "OMB", "RDE", "RDS", "RAS", "RGV", "MDM"}
)


def why_unused(name: str) -> str:
    """Why a message with this MSH-9 gives nothing.

    >>> why_unused("SIU^S12"), why_unused("ADT^A20")
    ('appointments', 'the state of a bed, not of a patient')
    """
    kind = name.partition("^")[0]
    return TRIGGERS.get(name) or KINDS.get(kind) or (NO_TRIGGER if kind in READ_KINDS else NO_KIND)
