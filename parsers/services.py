"""What an order's service (OBR-4), specimen and section (OBR-24) tell of its results."""

import re
from functools import lru_cache

_NOT_BLOOD = re.compile(
    r"(?<!d)urin|csf|spinal|cerebro|liquor|pleura|ascit|periton|synovi|dialysate|drain|stool|fa?eces|sweat|saliva|fluid", re.I
)
"""In an order's service or specimen: what is measured is not the patient's blood, so names such as sodium mean another quantity."""

_CULTURE = re.compile(
    r"(?<!agri)cultur|kultur|cultivo|microscopy.{0,4}c.?s\b|\bmc&?s\b|gram.?stain|\bMRSA\b|\bsuscept|antibiotic sensitivit|antibiogram|bacteria identified",
    re.I,
)

MICROBIOLOGY = frozenset({"MB", "MCB", "MYC", "PAR", "VR"})
REPORTS = frozenset(
    {"AU", "CP", "CT", "CTH", "CUS", "EC", "EN", "IMG", "NMR", "NMS", "OUS", "PAT", "PF", "PHY", "PT", "RAD", "RT", "RUS", "RX", "SP", "VUS", "XRC"}
)  # fmt: skip
"""HL7 table 0074, diagnostic service sections: those that grow organisms, and those whose result is a text for a clinician."""


SEEN = 400
"""Characters of a field that are looked at and remembered."""


def not_blood(service: str, source: str, specimen: str) -> bool:
    """Whether OBR-4, OBR-15 or SPM-4 speak of something else than blood."""
    return _speaks_of_another(f"{service[:SEEN]}|{source[:SEEN]}|{specimen[:SEEN]}")


@lru_cache(maxsize=4096)
def _speaks_of_another(words: str) -> bool:
    return _NOT_BLOOD.search(words) is not None


def is_culture(service: str, section: str) -> bool:
    """Whether OBR-24, else the words of OBR-4, tell of microbiology."""
    return section in MICROBIOLOGY or (section not in REPORTS and _speaks_of_culture(service[:SEEN]))


@lru_cache(maxsize=4096)
def _speaks_of_culture(service: str) -> bool:
    return _CULTURE.search(service) is not None
