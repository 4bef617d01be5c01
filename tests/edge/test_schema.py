"""The schema that the migrations make: every view of the contracts with at least its columns, and nothing to do a second time."""

import pytest

from infra.database.connect import connect
from infra.database.migrate import migrate

VIEWS = {
    "messages": "topic partition offset feed control_id message_type received_at processed_at outcome reason",
    "observations": "patient_id encounter_id code code_system value_num value_text unit observed_at received_at status current",
    "encounters": "patient_id encounter_id unit bed class admitted_at discharged_at",
    "scores": "score_id patient_id encounter_id name version value as_of scored_at mode explanation",
    "episodes": "episode_id patient_id encounter_id tier opened_at closed_at state reason",
    "pages": "page_id episode_id tier step channel target state attempts created_at accepted_at acknowledged_at acknowledged_by",
    "audit_log": "at actor action subject detail hash",
}


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_its_columns(postgres_url: str, view: str) -> None:
    with connect(postgres_url) as connection:
        rows = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'vigil' AND table_name = %s", (view,)
        )
        assert set(VIEWS[view].split()) <= {name for (name,) in rows}


def test_migrating_again_changes_nothing(postgres_url: str) -> None:
    assert migrate(postgres_url) == 0
