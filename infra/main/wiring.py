"""Ties the rooms together, one straight line a role."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import faust
import msgspec
import psycopg

from alerts.bedside import Alarms
from alerts.channels.kinds import silent
from alerts.policy_file import SHIPPED_POLICY
from alerts.policy_in_force import PolicyFiles
from alerts.write_back import destinations
from infra.clock import Clock
from infra.database.connect import connect, connect_patiently
from infra.logs import logger
from infra.main.profiles import profile_named
from infra.main.roster import following
from infra.metrics import Metrics
from infra.settings import Settings
from parsers.profile import zone_of
from scoring import stages_store
from scoring.drift import UnitDrift
from scoring.score import Score
from scoring.served import Served, as_shipped, live_metadata, quantiles_of
from scoring.watched import Watching
from streams import progress, topics
from streams.backlog_reader import BacklogReader
from streams.beginnings import offsets
from streams.forward import Forward
from streams.lag import Lag
from streams.lookup import KafkaAway
from streams.reader import Reader
from streams.transaction import Recorded, Transactor
from streams.worker import faust_app, register
from streams.writer import BatchWriter

log = logger("infra")
WAIT_S = 120.0
"""How long a role waits for what it stands on before it gives up and is started again."""


def with_worker(settings: Settings, instance: str | None, metrics_port: int | None) -> Settings:
    """The settings with one worker's own name and port."""
    work = settings.work
    chosen = msgspec.structs.replace(
        work,
        instance=instance or work.instance,
        metrics_port=work.metrics_port if metrics_port is None else metrics_port,
    )
    return msgspec.structs.replace(settings, work=chosen)


def worker(settings: Settings, metrics: Metrics) -> faust.App:
    """The Faust app with its scorer, its policy and its database. Waits until Kafka and PostgreSQL answer."""
    clock = settings.clock.clock()
    forward = Forward(settings.kafka.bootstrap)
    profiles = {feed.name: profile_named(feed.profile) for feed in settings.listen.feeds}
    drift = UnitDrift(quantiles_of(settings.triton, as_shipped(settings.triton)))
    scorer = Served(
        settings.triton,
        on_fallback=lambda reason: metrics.model_fallback_total.labels(reason=reason).inc(),
        on_abstained=lambda why: metrics.model_abstained_total.labels(reason=why.reason).inc(),
        on_new_live=lambda: os.kill(os.getpid(), signal.SIGTERM),
        drift=drift,
    )
    _seed_progress(settings)
    with connect(settings.database.url, application="vigil-work") as connection, connection.cursor() as cursor:
        scorer.look(cursor)
        model = live_metadata(settings.triton, stages_store.standings(cursor, settings.triton.model))
    policy = PolicyFiles(Path(settings.page.policy) if settings.page.policy else SHIPPED_POLICY, model.threshold, model.name)
    watching = Watching(scorer, lambda: policy.policy.scores)
    transactor: Transactor[Score] = Transactor(
        lambda: connect(settings.database.url, application="vigil-work"),
        watching,
        Alarms(policy, settings.page.routes, metrics, following(settings), silent(settings.page), destinations(settings.page)),
        now=clock.now,
        timezones={feed.name: zone_of(profiles[feed.name], feed.timezone) for feed in settings.listen.feeds},
        profiles=profiles,
        quarantine=forward.quarantine,
        timers=watching,
    )
    app = faust_app(settings.kafka, settings.work, Path(settings.home))
    reader, past = Reader(app), BacklogReader(settings.kafka.bootstrap)
    writer = BatchWriter(
        reader, transactor, settings.work, metrics, _tell_scores(metrics, clock, forward, drift), Lag(metrics, clock), past
    )
    register(app, reader, writer)
    return app


def _seed_progress(settings: Settings) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            beginnings = {place: low for place, (low, _) in offsets(settings.kafka.bootstrap).items()}
            with connect_patiently(settings.database.url, application="vigil-work", wait_s=WAIT_S) as connection:
                progress.seed(connection.cursor(), beginnings)
            return
        except (KafkaAway, psycopg.errors.UndefinedTable) as away:
            if time.monotonic() > deadline:
                raise
            log.warning("waiting", for_=type(away).__name__)
            time.sleep(0.5)


def _tell_scores(metrics: Metrics, clock: Clock, forward: Forward, drift: UnitDrift) -> Callable[[Recorded[Score]], None]:
    def tell(recorded: Recorded[Score]) -> None:
        now = clock.now()
        for taken in recorded.taken:
            drift.take(taken)
        received = {str(taken.record.source): taken.record.received_at for taken in recorded.taken}
        for score in recorded.scores:
            metrics.scores_total.labels(name=score.name, version=score.version, mode=score.mode).inc()
            at = received.get(score.score_id.rsplit("/", 1)[0])
            if at is not None:
                metrics.receipt_to_score_seconds.observe(max(0.0, (now - at).total_seconds()))
        forward.publish(topics.SCORES, ((score.patient_id, msgspec.json.encode(score)) for score in recorded.scores))

    return tell
