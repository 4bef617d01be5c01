"""Faults 14 to 16: senders that say everything three times, in no order and hours late, and one message in ten that cannot be read."""

import time
from datetime import timedelta

import pytest

from tests.fault.conftest import Try
from tests.fault.doses import dose
from tests.fault.hospital import Hospital
from tests.fault.oracle import expected
from tests.fault.scripts import poisoned, shuffled_and_late, thrice
from tests.fault.traffic import RATE
from tests.fault.trial import Trial

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(600)]


@dose(full=60.0)
def test_every_message_three_times(hospital: Hospital, trial: Try, times: float) -> None:
    with trial(hospital, 14, "every message three times", script=thrice, rate=3 * RATE) as run:
        time.sleep(times)
    distinct = {one.said.control_id for one in run.acknowledged}
    assert sum(row[1] == "duplicate" for row in run.found.messages) == len(run.acknowledged) - len(distinct) > len(distinct)


@dose(brief=3.0, full=60.0)
def test_out_of_order_and_six_hours_late(hospital: Hospital, trial: Try, times: float) -> None:
    """What is six hours late was as bad as can be, and pages nobody; and the order of arrival makes no difference to the state."""
    with trial(hospital, 15, "out of order, and 6 h late", script=shuffled_and_late) as run:
        time.sleep(times)
    assert all(reached_in_the_present(run, row[3]) for row in run.found.pages)
    received_at = {row[0]: row[4] for row in run.found.messages}
    in_order = expected(sorted(run.said(), key=lambda said: said.control_id), received_at, hospital.home / "policy.toml")
    assert in_order.states == run.expected.states


def reached_in_the_present(run: Trial, token: str) -> bool:
    """Whether the score that raised this page was about the last hour."""
    [(as_of, received_at)] = run.hospital.ask(
        "SELECT s.as_of, e.received_at FROM vigil_store.page AS p JOIN vigil_store.episode AS e USING (episode_id)"
        " JOIN vigil_store.score AS s USING (score_id) WHERE p.token = %s",
        token,
    )
    return bool(received_at - as_of <= timedelta(hours=1))


@dose(brief=3.0, full=60.0)
def test_one_message_in_ten_is_poison(hospital: Hospital, trial: Try, times: float) -> None:
    """Each is answered, and each that was refused lies in quarantine with its reason; nobody else's messages wait for it."""
    with trial(hospital, 16, "poison messages, 1 in 10", script=poisoned) as run:
        time.sleep(times)
    refused = [one for one in run.traffic.heard if one.answer != "AA"]
    assert len(refused) > len(run.traffic.heard) / 20
    assert {one.answer for one in refused} == {"AE", "AR"}
    named = {one.said.control_id for one in refused if one.said.control_id.encode() in one.said.raw}
    quarantined = {row[0]: row[6] for row in run.found.messages if row[1] == "quarantined"}
    assert named <= set(quarantined)
    assert all(quarantined[one] for one in named)
