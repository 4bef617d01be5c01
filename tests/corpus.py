"""A small corpus of HL7 v2 of our own: each kind of message that Vigil reads, in its plain form and in the forms that trip readers."""

from collections.abc import Mapping


def segment(name: str, fields: Mapping[int, str]) -> str:
    """A segment by the numbers of its fields."""
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields) + 1))])


MSH = "MSH|^~\\&|APP|HOSP|VIGIL|HOSP|20260301120000+0100||{kind}|C1|P|{version}"
PID = "PID|1||42^^^HOSP^MR~9434765919^^^NHS^NH||CANARY^PATIENT||19560321|F||||||||||A42"
PID2 = "PID|2||43^^^HOSP^MR||CANARY^OTHER||19610102|M||||||||||A43"
PV1 = "PV1|1|I|4W^12^1^HOSP|||3E^2^1^HOSP|D1^Attend^A^^^^^^LIC&1.2&ISO|D2^Refer|D3^Consult~D4^Consult||||||||D5^Admit||V42"
EVN = "EVN|{trigger}|202603011130+0100"
VITALS = (
    "OBX|1|NM|8867-4^Heart rate^LN||71|/min|60-100|N|||F|||20260301110000+0100",
    "OBX|2|NM|8310-5^Temperature^LN||101.3|[degF]||H|||F|||202603011101+0100",
    "OBX|3|SN|2524-7^Lactate^LN||<^0.5|mmol/L|||||P",
    "OBX|4|ST|2823-3^Potassium^LN|a| 4.2 |mmol/L|||||C|||20260301",
    "OBX|5|CWE|67775-7^Level of responsiveness^LN||LA9340-6^Alert^LN||||||F",
    "OBX|6|NM|2951-2^Sodium^LN||\"\"|mmol/L|||||X",
    "OBX|7|TX|N^Note^L||said \\T\\ done \\F\\ 5~second line||||||F",
    "OBX|8|ED|P^Report^L||^application^pdf^Base64^JVBERi0=||||||F",
    "OBX|9|DTM|D^Onset^L||20260228||||||F",
)  # fmt: skip


def message(kind: str, *segments: str, version: str = "2.5.1", end: str = "\r") -> bytes:
    """One message; each segment ended."""
    return (end.join([MSH.format(kind=kind, version=version), *segments]) + end).encode()


def adt(trigger: str, *further: str, pv1: str = PV1) -> bytes:
    """An ADT with EVN, PID and PV1."""
    return message(f"ADT^{trigger}", EVN.format(trigger=trigger), PID, pv1, *further)


def oru(*segments: str, kind: str = "ORU^R01") -> bytes:
    """A result message of one patient."""
    return message(kind, PID, PV1, *segments)


COLLECTED, TOLD = "20260228080000+0100", "20260301103000+0100"

MICROBIOLOGY = oru(
    segment("OBR", {1: "1", 2: "P1", 3: "F1", 4: "600-7^Bacteria identified in Blood by Culture^LN", 7: COLLECTED, 15: "BLD^Blood", 24: "MB", 25: "F"}),
    "OBX|1|CWE|600-7^Bacteria identified^LN|1|112283007^Escherichia coli^SCT||||||F",
    "OBX|2|CWE|600-7^Bacteria identified^LN|2|No growth of fungi||||||F",
    segment(
        "OBR",
        {
            1: "2", 2: "P2", 3: "F2", 4: "29576-6^Susceptibility panel^LN", 7: COLLECTED, 24: "MB", 25: "F",
            26: "600-7&Bacteria identified&LN^1^Escherichia coli", 29: "P1^F1",
        },
    ),
    segment("OBX", {1: "1", 2: "SN", 3: "18864-9^Ampicillin^LN", 5: ">=^32", 6: "ug/mL", 8: "R", 11: "F"}),
    segment("OBX", {1: "2", 2: "SN", 3: "18928-2^Gentamicin^LN", 5: "<=^1", 6: "ug/mL", 8: "S", 11: "F"}),
)  # fmt: skip

REPORT = oru(
    segment(
        "OBR", {1: "1", 2: "P3", 3: "F3", 4: "71020^Chest X-ray^C4", 7: "20260301100000+0100", 22: TOLD, 24: "RAD", 25: "F", 32: "R77&Reader&Anna", 33: "R78&Second"}
    ),
    "OBX|1|TX|71020&GDT^Findings^C4||Clear lungs.||||||F",
    "OBX|2|TX|71020&IMP^Impression^C4||No acute disease.||||||F",
)  # fmt: skip

MEDICATION = message(
    "RDE^O11", PID, PV1,
    segment("ORC", {1: "NW", 2: "P5", 3: "F5", 5: "IP", 9: "20260301113000+0100", 12: "D9^Order"}),
    segment("TQ1", {1: "1", 7: "20260301120000+0100", 8: "20260308", 9: "S"}),
    segment("RXE", {2: "J01CR05^Piperacillin-tazobactam^ATC", 3: "4", 5: "g", 23: "8", 24: "g/h"}),
    "RXR|IV^Intravenous",
)  # fmt: skip
GIVEN = message(
    "RAS^O17", PID, PV1, "ORC|RE|P6|F6",
    segment(
        "RXA",
        {1: "0", 2: "1", 3: "20260301114500+0100", 4: "20260301114600+0100", 5: "NE^Norepinephrine in 0.9 % sodium chloride^L", 6: "8", 7: "mg", 20: "CP"},
    ),
    "RXR|IV",
    segment("RXA", {1: "0", 2: "2", 3: "20260301120000+0100", 5: "NE^Norepinephrine^L", 6: "999", 20: "RE"}),
)  # fmt: skip
DOCUMENT = message(
    "MDM^T06", EVN.format(trigger="T06"), PID, PV1,
    segment(
        "TXA",
        {
            1: "1", 2: "PN^Progress note^L", 3: "TX", 4: "20260301100000+0100", 6: "202603011010+0100", 9: "D1^Author", 12: "DOC2", 13: "DOC1", 17: "LA",
            19: "AV", 22: "D7^Signed",
        },
    ),
    "OBX|1|TX|||Addendum: feels better.", "OBX|2|TX|||Seen \\T\\ examined.",
)  # fmt: skip

MESSAGES: Mapping[str, bytes] = {
    "vitals": oru("OBR|1|P1|F1|85353-1^Vital signs^LN|||20260301110000+0100||||||||||||||||||F", *VITALS, "NTE|1||haemolysed"),
    "microbiology": MICROBIOLOGY,
    "report": REPORT,
    "medication": MEDICATION,
    "given": GIVEN,
    "document": DOCUMENT,
    "order": message("OML^O21", PID, "ORC|NW|P7|F7||IP", "TQ1|1||||||||S", "OBR|1|P7||24323-8^Panel^LN"),
    "old order": message("ORM^O01", PID, "ORC|CA|P8||||^^^20260301^^S", "OBR|1|P8||K^Potassium^L", version="2.3"),
    "specimen first": message(
        "OUL^R22", PID, "SPM|1|||UR^Urine^HL70487", "OBR|1||F9|E^Electrolytes^L", "OBX|1|NM|NA^Sodium^L||135|mmol/L|||||F"
    ),
    "swap": message("ADT^A17", EVN.format(trigger="A17"), PID, PV1, PID2, PV1.replace("4W^12^1", "3E^2^1").replace("V42", "V43")),
    "merge": message("ADT^A40", PID, "MRG|41^^^HOSP^MR", PID2, "MRG|40^^^HOSP^MR"),
    "allergy": message("ADT^A60", PID, "IAM|1|DA|P^Penicillin^L|SV|HIVES^Hives|A"),
    "continued": oru("OBX|1|TX|N^Note^L||first half, ", "ADD|second half||||||F"),
    "truncation": message("ORU^R01", PID, "OBX|1|TX|N^Note^L||cut off#||||||F", version="2.7").replace(b"^~\\&", b"^~\\&#"),
    "other delimiters": oru(*VITALS[:2]).replace(b"|", b"#").replace(b"^", b"@"),
    "line feeds": oru(*VITALS[:2]).replace(b"\r", b"\n"),
    "umlauts": oru("OBX|1|TX|N^Note^L||Zürich||||||F"),
    "latin 1": oru("OBX|1|TX|N^Note^L||Z\\XFC\\rich||||||F"),
    "two people": message("ORU^R01", PID, VITALS[0], PID2, VITALS[1]),
    "acknowledgement": message("ACK^R01", "MSA|AA|1"),
    "schedule": message("SIU^S12", PID),
    **{trigger: adt(trigger) for trigger in ("A01", "A02", "A03", "A04", "A06", "A08", "A09", "A10", "A11", "A12", "A13", "A21", "A22")},
    **{trigger: adt(trigger, "MRG|41^^^HOSP^MR||A41||V41") for trigger in ("A18", "A34", "A35", "A41", "A42", "A44", "A45", "A47", "A50")},
}
