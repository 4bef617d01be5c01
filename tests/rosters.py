"""A small hospital's roster for tests: one doctor, one registrar, the line; nobody's shift ever ends."""

from datetime import date, time, timedelta

from alerts.bedside import Alarms
from alerts.people import Contact, EscalationRule, Person, Roster, Rotation, StepRule, Team
from alerts.rules import Policy
from alerts.steps import Steps
from infra.database.connect import connect
from tests.episodes import NOON, Bedside, shipped

LINE = Contact(channel="pager", target="2222")


def person(key: str) -> Person:
    """Reached by pager first, then by mail."""
    return Person(name=f"Dr {key.title()}", contacts=(Contact(channel="pager", target=key), Contact(channel="mail", target=key)))


def always(*people: str) -> Team:
    return Team(rotations=tuple(Rotation(people=(one,), first_day=date(2026, 1, 1), starts=time(0), ends=time(0)) for one in people))


ROSTER = Roster(
    version="test",
    line=(LINE,),
    people={key: person(key) for key in ("ann", "bob", "cy", "east")},
    teams={"doctors": always("ann"), "registrars": always("bob"), "east": always("east")},
    escalations=(
        EscalationRule(
            tier="urgent", steps=(StepRule(page=("team:doctors",)), StepRule(page=("team:registrars",), after_minutes=10)), repeat_after_minutes=5
        ),
        EscalationRule(tier="urgent", unit="6E", steps=(StepRule(page=("team:east",)), StepRule(page=("team:east",), after_minutes=10))),
        EscalationRule(tier="rapid_response", steps=(StepRule(page=("line",)), StepRule(page=("team:registrars",), after_minutes=5))),
    ),
)  # fmt: skip


class Ward(Bedside):
    """A bedside whose episodes escalate by a roster."""

    def __init__(self, url: str, roster: Roster = ROSTER, fallback_s: float = 60.0, policy: Policy | None = None) -> None:
        super().__init__(url, routes=())
        self.roster, self.fallback_s = roster, fallback_s
        self.alarms = Alarms(policy or shipped(), (), self.metrics, lambda: roster)

    def steps(self) -> Steps:
        """What a pager that has just been started has."""
        return Steps(lambda: self.roster, (), self.metrics, self.fallback_s)

    def at(self, minute: float) -> None:
        """A pager looks at what is due then."""
        with connect(self.url, autocommit=True) as connection:
            self.steps().take_due(connection, NOON + timedelta(minutes=minute))

    def paged(self, mrn: str = "1") -> list[tuple[int, str, str, str]]:
        """(step, tier, whom, by which channel) of a patient's pages, in order."""
        rows = self.ask(
            "SELECT p.step, p.tier, coalesce(p.person, p.target), p.channel FROM vigil.pages p JOIN vigil_store.episode e USING (episode_id)"
            " WHERE e.patient_id = %s ORDER BY p.created_at, p.step, p.channel DESC",
            f"HOSP:{mrn}",
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]
