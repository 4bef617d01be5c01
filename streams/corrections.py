"""Marks the earlier versions of results that a batch replaces, so that `vigil.observations.current` tells what holds today."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from psycopg import Cursor

from infra.database.sql import statements
from parsers.events import Observation
from streams.processing import Taken
from streams.times import time_of

SQL = statements("streams", "store.sql")

REPLACING = frozenset({"corrected", "deleted", "wrong", "incomplete"})
"""Statuses that speak of an earlier result wherever it lies (HL7 table 0085: C, D, W, X); others replace one of the same time."""

Key = tuple[str, str]
"""(patient id, result key)."""

Kin = Mapping[str, Sequence[str]]
"""By every number of a patient who has several: all of them, today's first."""


def _results(stored: Iterable[Taken]) -> list[tuple[Key, datetime, Observation]]:
    return [
        ((spoken.patient_id, event.result_key), time_of(event, taken.record.received_at), event)
        for taken in stored
        for spoken in taken.spoken
        for event in spoken.subject.events
        if isinstance(event, Observation) and event.result_key is not None
    ]


def replaced(cursor: Cursor, stored: Sequence[Taken], kin: Kin) -> set[Key]:
    """The results in this batch that have an earlier version, in the database or in the batch; asked before the batch is copied in.

    One index probe a patient and time, not one a result: nearly always nothing is found, and then nothing more is done.
    """
    results = _results(stored)
    if not results:
        return set()
    counted = Counter((_head(kin, patient_id), key) for (patient_id, key), _, _ in results)
    found = {key for key, count in counted.items() if count > 1}
    found |= {(_head(kin, patient_id), key) for (patient_id, key), _, event in results if event.status in REPLACING}
    places = sorted({(one, at) for (patient_id, _), at, _ in results for one in kin.get(patient_id, (patient_id,))})
    rows = cursor.execute(SQL["earlier_results"].encode(), {"ids": [place[0] for place in places], "times": [place[1] for place in places]})
    return found | {known for patient_id, key in rows if (known := (_head(kin, patient_id), key)) in counted}


def supersede(cursor: Cursor, keys: set[Key], kin: Kin, now: datetime) -> None:
    """Sets `superseded_at` on all but the newest version of these results; a preliminary one never replaces a final one."""
    if not keys:
        return
    ordered = sorted((one, key, head) for head, key in keys for one in kin.get(head, (head,)))
    names: dict[str, object] = {
        "now": now, "ids": [row[0] for row in ordered], "keys": [row[1] for row in ordered], "heads": [row[2] for row in ordered],
    }  # fmt: skip
    names["times"] = [at for (at,) in cursor.execute(SQL["versions"].encode(), names)]
    cursor.execute(SQL["supersede"].encode(), names)


def _head(kin: Kin, patient_id: str) -> str:
    return kin.get(patient_id, (patient_id,))[0]
