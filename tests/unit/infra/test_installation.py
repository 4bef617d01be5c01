"""What `vigil up` decides before it starts anything: addresses, the clock, where pages go."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.main.installation import Plan, plan_of, prepare, remember
from infra.settings import Settings, load


def prepared(home: Path, *, demo: bool = False, speed: float = 1.0) -> tuple[Plan, Settings]:
    plan = prepare(home, workers=1, pagers=1, demo=demo, beds=24, speed=speed, port_base=None)
    return plan, load(home, {})


def test_what_was_chosen_is_read_back_as_settings(tmp_path: Path) -> None:
    plan, settings = prepared(tmp_path)
    assert plan_of(tmp_path) == plan
    assert settings.kafka.bootstrap == f"127.0.0.1:{plan.ports['kafka']}"
    assert settings.database.url.endswith(f":{plan.ports['postgres']}/vigil")
    assert settings.listen.feeds[0].port == plan.ports["mllp"]
    assert settings.triton.grpc == f"127.0.0.1:{plan.ports['triton_grpc']}"


def test_a_database_by_url_means_no_local_one(tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").write_text('[database]\nurl = "postgresql://vigil@db.hospital.test/vigil"\n')
    plan, settings = prepared(tmp_path)
    assert not plan.local_database
    assert settings.database.url == "postgresql://vigil@db.hospital.test/vigil"


def test_every_feed_has_a_port_and_one_that_was_given_stands(tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").write_text(
        '[[listen.feeds]]\nname = "ehr"\nport = 2575\n[[listen.feeds]]\nname = "lab"\n[[listen.feeds]]\nname = "ris"\n'
    )
    _, settings = prepared(tmp_path)
    ports = [feed.port for feed in settings.listen.feeds]
    assert ports[0] == 2575
    assert 0 not in ports
    assert len(set(ports)) == 3


def test_a_demo_pages_the_local_catcher_on_every_tier(tmp_path: Path) -> None:
    _, settings = prepared(tmp_path, demo=True)
    assert {route.tier for route in settings.page.routes} == {"rapid_response", "urgent", "watch"}
    assert {route.channel for route in settings.page.routes} <= set(settings.page.channels)


def test_a_demo_leaves_channels_that_a_hospital_set_alone(tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").write_text('[page.channels.real]\nkind = "snpp"\naddress = "pager.hospital.test:444"\n')
    _, settings = prepared(tmp_path, demo=True)
    assert set(settings.page.channels) == {"real"}


def test_nobody_is_paged_locally_without_a_demo(tmp_path: Path) -> None:
    prepared(tmp_path, demo=True)
    _, settings = prepared(tmp_path)
    assert settings.page.channels == {}


def clock_file(home: Path) -> dict[str, Any]:
    clock: dict[str, Any] = json.loads((home / "runtime.json").read_text())["clock"]
    return clock


@pytest.mark.parametrize("speeds", [(60.0, 60.0), (60.0, 1.0), (1.0, 60.0), (60.0, 600.0, 1.0, 60.0)])
def test_vigils_time_never_runs_backwards_in_one_home(tmp_path: Path, speeds: tuple[float, ...]) -> None:
    reached = datetime.min.replace(tzinfo=UTC)
    for speed in speeds:
        _, settings = prepared(tmp_path, speed=speed)
        now = settings.clock.clock().now()
        assert now >= reached
        reached = now


def test_a_scaled_clock_stands_still_while_the_home_is_down(tmp_path: Path) -> None:
    prepared(tmp_path, speed=60.0)
    stopped = datetime.now(UTC) + timedelta(days=9)
    remember(tmp_path, stopped)
    prepared(tmp_path, speed=60.0)
    assert datetime.fromisoformat(clock_file(tmp_path)["anchor"]) == stopped


def test_a_clock_that_is_behind_real_time_catches_up(tmp_path: Path) -> None:
    prepared(tmp_path, speed=60.0)
    remember(tmp_path, datetime.now(UTC) - timedelta(days=9))
    before = datetime.now(UTC)
    prepared(tmp_path, speed=60.0)
    assert datetime.fromisoformat(clock_file(tmp_path)["anchor"]) >= before
