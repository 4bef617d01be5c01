"""What a drug means for a patient who may deteriorate: antibiotic, vasopressor, fluid or oxygen, by ATC code or by name."""

import re
from functools import lru_cache
from typing import Literal

Therapy = Literal["antibiotic", "vasopressor", "fluid", "oxygen"]

_ATC: tuple[tuple[str, Therapy], ...] = (
    ("C01CA", "vasopressor"), ("C01CX09", "vasopressor"), ("C01CE02", "vasopressor"), ("C01CX08", "vasopressor"), ("H01BA01", "vasopressor"), ("H01BA04", "vasopressor"),
    ("J01", "antibiotic"), ("J04AB", "antibiotic"), ("A07AA09", "antibiotic"), ("A07AA12", "antibiotic"), ("P01AB01", "antibiotic"),
    ("V03AN01", "oxygen"), ("B05A", "fluid"), ("B05BB", "fluid"), ("B05XA03", "fluid"),
)  # fmt: skip
"""WHO ATC 2025: cardiac stimulants without glycosides, vasopressin and terlipressin; antibacterials for systemic use; oxygen; blood substitutes and electrolytes."""
_ATC_CODE = re.compile(r"^[A-Z]\d{2}[A-Z]{2}\d{0,2}$")

_VASOPRESSOR = re.compile(
    r"\b(?:nor)?(?:epinephrine|adrenaline?)\b|\bnoradrenalin|\b(?:arg|terli)?(?:vaso)?pressin\b|\bvasopressin|\bphenylephrin|\bdopamine?\b|\bdobutamine?\b"
    r"|\bangiotensin ii\b|\bmetaraminol|\bephedrine?\b|\bmilrinone?\b|\blevosimendan|\blevophed|\bgiapreza",
    re.I,
)
_ANTIBIOTIC = re.compile(
    r"\b(?:\w*(?:cillin|penem|floxacin|cycline|bactam)\b|(?:cef|ceph)\w{3,}|(?!bleo|mito|dactino|plica|nata)\w*(?:mycin|micin)\b|vancomycin|teicoplanin|linezolid"
    r"|metronidazole|sulfamethoxazole|co-?trimoxazole|trimethoprim|amikacin|aztreonam|colisti\w*|nitrofurantoin|rifampi\w+|chloramphenicol"
    r"|piperacillin|zosyn|tazocin|rocephin|augmentin|flagyl|bactrim)",
    re.I,
)
_OXYGEN = re.compile(r"\boxygen\b|\bO2 (?:therapy|nasal|mask|via)\b", re.I)
_FLUID = re.compile(
    r"^(?!.*flush).*(?:\bsodium chloride 0\.9|\bnacl 0\.9|\b0\.9 ?% ?(?:sodium chloride|nacl|ns)\b|\bnormal saline\b|\b(?:lactated )?ringer'?s?\b|\bhartmann"
    r"|\bplasma-?lyte\b|\balbumin\b.*%|\bgelofusine?\b|\bgelatin\w*\b.*%|\b(?:dextrose|glucose) (?:5|10) ?%)",
    re.I,
)

_ELSEWHERE = re.compile(
    r"\b(?:eye|ear|ophth\w*|otic|nasal|topical|cream|ointment|gel|lotion|vaginal|nebuli\w*|inhal\w*|dental)\b|lidocaine|lignocaine|bupivacaine|articaine",
    re.I,
)
"""Given to one place of the body, or a vasopressor that only keeps an anaesthetic where it was injected."""
_IN_A_CARRIER = re.compile(r"\bin (?:\d+ ?mL )?(?:of )?(?:0\.9 ?% )?(?:nacl|sodium chloride|ns|dextrose|glucose|d5w|water)\b", re.I)
"""The fluid that a drug is dissolved in is no fluid therapy."""


@lru_cache(maxsize=4096)
def therapy_of(code: str, system: str, names: str) -> Therapy | None:
    """The therapy that a drug is. `names`: every name that was sent for it.

    >>> therapy_of("J01CR05", "ATC", ""), therapy_of("1", "L", "norepinephrine 8 mg in NaCl 0.9 %"), therapy_of("2", "L", "Gentamicin eye drops")
    ('antibiotic', 'vasopressor', None)
    """
    if system.upper() in ("ATC", "WC", "2.16.840.1.113883.6.73") or _ATC_CODE.match(code):
        known = next((therapy for prefix, therapy in _ATC if code.upper().startswith(prefix)), None)
        if known is not None or system:
            return known
    if _ELSEWHERE.search(names):
        return None
    if _VASOPRESSOR.search(names):
        return "vasopressor"
    if _ANTIBIOTIC.search(names):
        return "antibiotic"
    if _OXYGEN.search(names):
        return "oxygen"
    return "fluid" if not _IN_A_CARRIER.search(names) and _FLUID.search(names) else None
