"""What ends by time alone: a mute, after which its patient's episodes look for somebody again; a storm; and an episode whose patient nobody has scored for long."""

from datetime import datetime

import psycopg

from infra.database.sql import statements

SQL = statements("alerts", "lapses.sql")
AT_ONCE = 200


def lapse(cursor: psycopg.Cursor, now: datetime) -> None:
    """Everything that is due, in the caller's transaction; several may do it at once."""
    names = {"now": now, "limit": AT_ONCE}
    cursor.execute(SQL["unmute"].encode(), names)
    cursor.execute(SQL["put_off"].encode(), names)
    for (episode_id,) in cursor.execute(SQL["expire"].encode(), names).fetchall():
        cursor.execute(SQL["withdraw"].encode(), {"episode_id": episode_id})
