"""The alerts room on a real database: scores decided by the shipped policy, and what came of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

import psycopg
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alerts import outbox
from alerts.bedside import Alarms
from alerts.outbox import Claimed
from alerts.policy_file import load
from alerts.routing import Route
from alerts.rules import Policy
from infra.database.connect import connect
from infra.metrics import Metrics
from scoring import store
from scoring.score import Score
from streams.movements import Encounter
from streams.patient import PatientState
from streams.processing import Moment
from streams.record import Source

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGER = Route(tier="rapid_response", channel="pager", target="2222")
MAIL = Route(tier="urgent", channel="mail", target="doctor@hospital.test")


def shipped(*, storms: bool = False, **changed: object) -> Policy:
    """The policy that comes with Vigil, without its storms unless they are what is tested; every rule changed as said."""
    [edition] = load(None, model_threshold=0.2).editions
    rules = tuple(replace(rule, **changed) for rule in edition.everywhere.rules)
    everywhere = replace(edition.everywhere, rules=rules, storms=edition.everywhere.storms if storms else None)
    return Policy(editions=(replace(edition, everywhere=everywhere),))


class Bedside:
    """One worker's policy over one database; every call of `take` is one batch. `units`: where patients lie, by MRN; 4W where nothing is said."""

    def __init__(self, url: str, routes: Sequence[Route] = (PAGER, MAIL), policy: Policy | None = None) -> None:
        self.url, self.metrics = url, Metrics(CollectorRegistry())
        self.alarms = Alarms(policy or shipped(), routes, self.metrics)
        self.units: dict[str, str] = {}
        self._offset = 0

    def take(self, *news2: float, mrn: str = "1", minutes: float = 0, status: Literal["open", "discharged"] = "open") -> list[str]:
        """A message with a NEWS2 each, all in one transaction; tells the tiers open for the patient afterwards."""
        moments = [self.moment(mrn, minutes, status) for _ in news2]
        scores = [self.score(one, value, minutes) for one, value in zip(moments, news2, strict=True)]
        self.again(moments, scores, minutes)
        return [tier for (tier,) in self.ask("SELECT tier FROM vigil.episodes WHERE patient_id = %s AND closed_at IS NULL", f"HOSP:{mrn}")]

    def again(self, moments: Sequence[Moment], scores: Sequence[Score], minutes: float = 0) -> None:
        """Decides these, in a transaction of their own."""
        with connect(self.url) as connection:
            self.alarms.decide(connection.cursor(), moments, scores, NOON + timedelta(minutes=minutes))

    def write(self, cursor: psycopg.Cursor, scores: Sequence[Score]) -> None:
        """As the scorer writes them, in the caller's transaction."""
        store.write(cursor, scores)

    def merge(self, from_mrn: str, into_mrn: str) -> None:
        with connect(self.url) as connection:
            self.alarms.merge(connection.cursor(), f"HOSP:{from_mrn}", f"HOSP:{into_mrn}", NOON)

    def ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with connect(self.url) as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()

    def do(self, statement: str, *parameters: object) -> None:
        with connect(self.url) as connection:
            connection.execute(statement.encode(), parameters or None)

    def moment(self, mrn: str, minutes: float, status: Literal["open", "discharged"]) -> Moment:
        self._offset += 1
        encounter = Encounter(encounter_id=f"V{mrn}", unit=self.units.get(mrn, "4W"), bed="12", status=status)
        return Moment(
            source=Source(topic="hl7.oru", partition=0, offset=self._offset),
            patient=PatientState(patient_id=f"HOSP:{mrn}", encounter=encounter),
            received_at=NOON + timedelta(minutes=minutes),
            changed=frozenset(),
            closed=status != "open",
        )

    def score(self, moment: Moment, value: float, minutes: float, parts: Mapping[str, float] = MappingProxyType({})) -> Score:
        at = NOON + timedelta(minutes=minutes)
        return Score(
            score_id=f"{moment.source}/news2", patient_id=moment.patient.patient_id, encounter_id=None, name="news2", version="2017", value=value,
            at_least=value, red=False, as_of=at, scored_at=at, mode="live", parts=dict(parts), missing=(), findings=(),
        )  # fmt: skip


def claim(bedside: Bedside, limit: int = 100) -> list[Claimed]:
    """What a pager that comes now gets."""
    with connect(bedside.url, autocommit=True) as connection:
        return list(outbox.claim(connection, 30.0, limit))
