"""Whom a page is about and what is known of them: read only for channels that are set up as encrypted and approved, and kept nowhere."""

import psycopg

from alerts.channels.channel import Chart, Finding
from infra.database.sql import statements

SQL = statements("alerts", "chart.sql")


def about(connection: psycopg.Connection, page_id: str) -> Chart | None:
    """The patient and the latest of each score by the time the page was made; None where there is no such page."""
    names = {"page_id": page_id}
    with connection.transaction():
        row = connection.execute(SQL["about"].encode(), names).fetchone()
        found = connection.execute(SQL["findings"].encode(), names).fetchall()
    if row is None:
        return None
    findings = tuple(Finding(name=one[0], version=one[1], value=one[2], as_of=one[3]) for one in found)
    return Chart(patient_id=row[0], encounter_id=row[1], patient_class=row[2], bed=row[3], reason=row[4], findings=findings)
