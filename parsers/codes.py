"""What Vigil understands: each canonical LOINC code with its one UCUM unit, its plausible range, and the other names it goes by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalCode:
    """One quantity. A number outside `low`–`high` (in `unit`) is kept, flagged `impossible_value` and never scored.

    The ranges are wider than any living patient measured with working equipment: they catch slipped decimals, wrong units and
    disconnected probes, not illness. Too narrow a range would hide the sickest patients, so in doubt they are wide.
    `sent_as`: another substance that was measured in its stead, where masses convert differently.
    """

    code: str
    name: str
    unit: str
    low: float
    high: float
    sent_as: str | None = None


def _table(*rows: tuple[str, str, str, float, float]) -> Mapping[str, CanonicalCode]:
    return MappingProxyType(
        {code: CanonicalCode(code=code, name=name, unit=unit, low=low, high=high) for code, name, unit, low, high in rows}
    )


CANONICAL: Mapping[str, CanonicalCode] = _table(
    ("8867-4", "heart_rate", "/min", 0, 350),  # 350: fastest flutter conducted 1:1
    ("9279-1", "respiratory_rate", "/min", 0, 120),
    ("59408-5", "spo2", "%", 10, 100),
    ("8480-6", "sbp", "mm[Hg]", 20, 350),
    ("8462-4", "dbp", "mm[Hg]", 5, 250),
    ("8478-0", "map", "mm[Hg]", 10, 300),
    ("8310-5", "temperature", "Cel", 20, 46),  # 13.7 °C core was survived once; below 20 a probe lies beside the patient
    ("3151-8", "oxygen_flow", "L/min", 0, 80),  # high-flow nasal oxygen goes to 60–70
    ("3150-6", "fio2", "%", 20, 100),
    ("67775-7", "avpu", "", 0, 0),
    ("9269-2", "gcs", "{score}", 3, 15),
    ("19889-5", "etco2", "mm[Hg]", 0, 150),
    ("1925-7", "base_excess", "mmol/L", -50, 50),
    ("1963-8", "bicarbonate", "mmol/L", 0, 80),
    ("2744-1", "ph", "[pH]", 6.3, 8.0),
    ("2019-8", "paco2", "mm[Hg]", 5, 250),
    ("2703-7", "pao2", "mm[Hg]", 5, 760),
    ("1920-8", "ast", "U/L", 0, 100_000),
    ("3094-0", "bun", "mg/dL", 0, 500),
    ("6768-6", "alkaline_phosphatase", "U/L", 0, 20_000),
    ("17861-6", "calcium", "mg/dL", 1, 30),
    ("2075-0", "chloride", "mmol/L", 40, 200),
    ("2160-0", "creatinine", "mg/dL", 0, 80),
    ("1968-7", "bilirubin_direct", "mg/dL", 0, 100),
    ("1975-2", "bilirubin_total", "mg/dL", 0, 120),
    ("2345-7", "glucose", "mg/dL", 0, 3000),
    ("2524-7", "lactate", "mmol/L", 0, 50),
    ("19123-9", "magnesium", "mg/dL", 0, 30),
    ("2777-1", "phosphate", "mg/dL", 0, 50),
    ("2823-3", "potassium", "mmol/L", 0.5, 20),
    ("2951-2", "sodium", "mmol/L", 80, 220),
    ("10839-9", "troponin_i", "ng/mL", 0, 5000),
    ("4544-3", "hematocrit", "%", 1, 85),
    ("718-7", "hemoglobin", "g/dL", 0.5, 30),
    ("3173-2", "ptt", "s", 5, 600),
    ("6690-2", "wbc", "10*9/L", 0, 2000),
    ("3255-7", "fibrinogen", "mg/dL", 0, 3000),
    ("777-3", "platelets", "10*9/L", 0, 5000),
    ("6301-6", "inr", "{INR}", 0.3, 50),
    ("1751-7", "albumin", "g/dL", 0.1, 10),
    ("764-1", "bands", "%", 0, 100),
    ("9192-6", "urine_output", "mL", 0, 30_000),
    ("1988-5", "crp", "mg/L", 0, 1500),
)
"""By LOINC code. Units are the conventional ones of the scores' publications."""

AVPU = "67775-7"

SAME_AS: Mapping[str, str] = MappingProxyType(
    {
        "8889-8": "8867-4", "76282-3": "8867-4", "8893-0": "8867-4",  # pulse oximeter, ECG, palpation
        "76270-8": "9279-1", "76171-8": "9279-1",  # by chest impedance, by capnography
        "2708-6": "59408-5",  # arterial oxygen saturation, by whatever method the feed measures it
        "76534-7": "8480-6", "76215-3": "8480-6", "8459-0": "8480-6", "8460-8": "8480-6", "8461-6": "8480-6",
        "76535-4": "8462-4", "76213-8": "8462-4", "8453-3": "8462-4", "8454-1": "8462-4", "8455-8": "8462-4",
        "76536-2": "8478-0", "76214-6": "8478-0",
        "8331-1": "8310-5", "8332-9": "8310-5", "8333-7": "8310-5", "8328-7": "8310-5", "8329-5": "8310-5", "76011-6": "8310-5", "8334-5": "8310-5",
        "19994-3": "3150-6", "19996-8": "3150-6",
        "80288-4": "67775-7",  # level of consciousness, AVPU
        "19891-1": "19889-5", "11555-0": "1925-7", "1927-3": "1925-7", "1959-6": "1963-8", "1960-4": "1963-8",
        "33254-4": "2744-1", "11558-4": "2744-1", "32771-8": "2019-8",
        "6299-2": "3094-0", "14937-7": "3094-0", "2000-8": "17861-6", "49765-1": "17861-6",
        "2069-3": "2075-0", "38483-4": "2160-0", "14682-9": "2160-0", "21232-4": "2160-0",
        "14629-0": "1968-7", "15152-2": "1968-7", "14631-6": "1975-2", "42719-5": "1975-2",
        "2339-0": "2345-7", "15074-8": "2345-7", "14749-6": "2345-7", "41653-7": "2345-7", "2340-8": "2345-7",
        "2518-9": "2524-7", "32693-4": "2524-7", "14118-4": "2524-7", "32133-1": "2524-7", "2519-7": "2524-7",
        "2601-3": "19123-9", "14879-1": "2777-1", "6298-4": "2823-3", "22760-3": "2823-3", "2947-0": "2951-2", "32717-1": "2951-2",
        "42757-5": "10839-9", "89579-7": "10839-9", "4545-0": "4544-3", "20570-8": "4544-3", "71833-8": "4544-3",
        "59260-0": "718-7", "20509-6": "718-7", "30313-1": "718-7", "30350-3": "718-7", "14979-9": "3173-2",
        "26464-8": "6690-2", "804-5": "6690-2", "26515-7": "777-3", "778-1": "777-3", "34714-6": "6301-6",
        "61151-7": "1751-7", "61152-5": "1751-7", "26508-2": "764-1", "30522-7": "1988-5",
    }
)  # fmt: skip
"""Other LOINC codes that a hospital sends for the same quantity; method and site differ, meaning for a score does not.

Not here, for they would mislead a score: oxygen (11556-8, 20564-1) and pH (2746-6) in blood that may be venous, and urine output over an
unstated time (9187-6).
"""

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "mdcecgheartrate": "8867-4", "mdcpulsrate": "8867-4", "mdcpulsratenoninv": "8867-4", "mdcpulsoximpulsrate": "8867-4",
        "mdcresprate": "9279-1", "mdcttthorresprate": "9279-1", "mdcco2resprate": "9279-1", "mdcpulsoximsato2": "59408-5",
        "mdcpressbldnoninvsys": "8480-6", "mdcpressbldnoninvdia": "8462-4", "mdcpressbldnoninvmean": "8478-0",
        "mdcpressbldartabpsys": "8480-6", "mdcpressbldartabpdia": "8462-4", "mdcpressbldartabpmean": "8478-0", "mdcpressbldartsys": "8480-6",
        "mdcpressbldartdia": "8462-4", "mdcpressbldartmean": "8478-0", "mdctemp": "8310-5", "mdctempcore": "8310-5",
        "mdcawwayco2et": "19889-5", "mdcawayco2et": "19889-5", "mdcflowo2fsh": "3151-8", "mdcconcawayo2": "3150-6", "mdcconcawayo2insp": "3150-6",
        "heartrate": "8867-4", "pulse": "8867-4", "pulserate": "8867-4", "respiratoryrate": "9279-1", "resprate": "9279-1", "respirationrate": "9279-1",
        "spo2": "59408-5", "oxygensaturation": "59408-5", "o2saturation": "59408-5", "systolicbloodpressure": "8480-6", "systolicbp": "8480-6",
        "diastolicbloodpressure": "8462-4", "diastolicbp": "8462-4", "meanarterialpressure": "8478-0", "bodytemperature": "8310-5",
        "temperature": "8310-5", "avpu": "67775-7", "gcs": "9269-2", "glasgowcomascale": "9269-2", "glasgowcomascoretotal": "9269-2",
        "insoxy": "3150-6", "fio2": "3150-6", "oxyl": "3151-8", "oxygenflow": "3151-8", "oxygenflowrate": "3151-8",
        "creatinine": "2160-0", "sodium": "2951-2", "potassium": "2823-3", "bun": "3094-0", "bloodureanitrogen": "3094-0",
        "chloride": "2075-0", "lactate": "2524-7", "glucose": "2345-7", "haemoglobin": "718-7", "hemoglobin": "718-7", "haematocrit": "4544-3",
        "hematocrit": "4544-3", "whitecellcount": "6690-2", "whitebloodcellcount": "6690-2", "wbc": "6690-2", "plateletcount": "777-3",
        "platelets": "777-3", "bilirubintotal": "1975-2", "totalbilirubin": "1975-2", "albumin": "1751-7", "inr": "6301-6", "crp": "1988-5",
        "creactiveprotein": "1988-5", "magnesium": "19123-9", "phosphate": "2777-1", "calcium": "17861-6", "bicarbonate": "1963-8", "1104441000000107": "67775-7",  # SNOMED CT, ACVPU scale
    }
)  # fmt: skip
"""Names in lower case without punctuation: IEEE 11073 (MDC_…) reference identifiers and plain words for quantities with one meaning in blood or at the bedside."""

_LOINC = re.compile(r"^\d{1,5}-\d$")
_NOT_WORD = re.compile(r"[^a-z0-9]+")


UREA = replace(CANONICAL["3094-0"], sent_as="urea")
"""Whole urea, which most of the world measures: its mass is 2.14 times that of its nitrogen."""

BEDSIDE = frozenset(
    {"heart_rate", "respiratory_rate", "spo2", "sbp", "dbp", "map", "temperature", "oxygen_flow", "fio2", "avpu", "gcs", "etco2", "urine_output"}
)  # fmt: skip
"""Names of quantities that are measured on the patient, not in a specimen."""

_UREA_CODES = frozenset({"3091-6", "22664-7"})
_UREA_NAMES = frozenset({"urea", "harnstoff"})


def squeezed(text: str) -> str:
    """A name in lower case without punctuation, as NAMES has them.

    >>> squeezed("MDC_PULS_OXIM_SAT_O2")
    'mdcpulsoximsato2'
    """
    return _NOT_WORD.sub("", text.lower())


def canonical_code(
    code: str, system: str | None, display: str | None = None, *, blood: bool = True, by_name: bool = True
) -> CanonicalCode | None:
    """The quantity meant by a code as sent: LOINC by number, else a known name in the code or in its text. None where it is not known.

    Without `blood` (the specimen is another) names of laboratory quantities mean nothing: they do not tell a urine sodium from a serum one.
    Without `by_name` no name means anything.

    >>> canonical_code("2708-6", "LN").name, canonical_code("tt-0003-01", "WinPath", "Creatinine").unit, canonical_code("X", "L")
    ('spo2', 'mg/dL', None)
    """
    if _LOINC.match(code) and (system or "LN").upper() in {"LN", "LOINC", "LNC", "2.16.840.1.113883.6.1"}:
        return UREA if code in _UREA_CODES else CANONICAL.get(SAME_AS.get(code, code))
    for text in (code, display) if by_name else ():
        word = squeezed(text) if text else ""
        known = UREA if word in _UREA_NAMES else CANONICAL.get(NAMES.get(word, ""))
        if known is not None and (blood or known.name in BEDSIDE):
            return known
    return None
