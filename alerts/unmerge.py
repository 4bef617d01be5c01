"""A merge that is taken back: what was open for the one is theirs again, with whoever has it; nobody is paged a second time for it."""

from datetime import datetime

import psycopg

from infra.database.sql import statements

SQL = statements("alerts", "unmerge.sql")


def unmerge(cursor: psycopg.Cursor, from_id: str, into_id: str, now: datetime) -> list[str]:
    """Gives `from_id` back what the merge into `into_id` took, in the transaction that took the merge back at `now`, and after it; tells the episodes.

    Their pages, owners, answers and timers stay with them. An episode that the merge ended, because both had the tier open, goes on as it stood; not where the
    patient is in no bed any more. What only both together had raised stays with the survivor, whose next score clears it.
    """
    names: dict[str, object] = {"from_id": from_id, "into_id": into_id, "at": now}
    cursor.execute(SQL["lock"].encode(), names)
    names["numbers"] = [from_id, *(row[0] for row in cursor.execute(SQL["numbers"].encode(), names))]
    [names["since"]] = cursor.execute(SQL["since"].encode(), names).fetchone() or [None]
    given = [row[0] for row in cursor.execute(SQL["give_back"].encode(), names).fetchall()]
    opened = [row[0] for row in cursor.execute(SQL["reopen"].encode(), names).fetchall()]
    cursor.execute(SQL["send_again"].encode(), {"ids": opened})
    cursor.execute(SQL["give_back_mutes"].encode(), names)
    cursor.execute(SQL["notify"].encode())
    return given + opened
