"""Every metric of Vigil, declared once; names are fixed by the contracts, labels are bounded and never name a patient."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Buckets around the promise of 2 s from receipt to page; beyond 5 minutes a page is an incident."""


class Metrics:
    """The metrics of one process, on the registry handed in. Attributes are the contract's names without `vigil_`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.messages_received_total = Counter(
            "vigil_messages_received_total", "Messages read from MLLP", ["feed", "type"], registry=registry
        )
        self.messages_acked_total = Counter("vigil_messages_acked_total", "Acknowledgements sent", ["feed", "code"], registry=registry)
        self.messages_processed_total = Counter(
            "vigil_messages_processed_total", "Messages recorded", ["type", "outcome"], registry=registry
        )
        self.receipt_to_score_seconds = Histogram(
            "vigil_receipt_to_score_seconds",
            "From the listener's receipt to the committed score, Vigil's time",
            buckets=SECONDS,
            registry=registry,
        )
        self.score_to_accept_seconds = Histogram(
            "vigil_score_to_accept_seconds",
            "From the decision to the provider's acceptance, Vigil's time",
            buckets=SECONDS,
            registry=registry,
        )
        self.receipt_to_page_seconds = Histogram(
            "vigil_receipt_to_page_seconds",
            "From the listener's receipt to the accepted page, Vigil's time",
            buckets=SECONDS,
            registry=registry,
        )
        self._of_work(registry)
        self._of_pages(registry)
        self._of_watch(registry)

    def _of_work(self, registry: CollectorRegistry) -> None:
        self.scores_total = Counter("vigil_scores_total", "Scores made", ["name", "version", "mode"], registry=registry)
        self.model_fallback_total = Counter(
            "vigil_model_fallback_total", "Times the published score spoke alone", ["reason"], registry=registry
        )
        self.model_abstained_total = Counter(
            "vigil_model_abstained_total", "Patients about whom the model kept silent, and why", ["reason"], registry=registry
        )
        self.consumer_lag_messages = Gauge(
            "vigil_consumer_lag_messages", "Messages in Kafka not yet recorded", ["topic"], registry=registry
        )
        self.committed_offset_age_seconds = Gauge(
            "vigil_committed_offset_age_seconds",
            "Age of the oldest message not yet recorded, 0 when there is none",
            ["topic"],
            registry=registry,
        )
        self.backlog_messages = Gauge(
            "vigil_backlog_messages", "Messages put aside after an outage and not yet filled in", ["topic"], registry=registry
        )
        self.worker_waiting = Gauge(
            "vigil_worker_waiting", "1 while this worker waits for the database or Kafka and records nothing", registry=registry
        )
        self.worker_settled = Gauge(
            "vigil_worker_settled", "1 once Kafka has told this worker which partitions it holds", registry=registry
        )
        self.worker_partitions = Gauge("vigil_worker_partitions", "Partitions this worker holds", registry=registry)
        self.offset_gaps_total = Counter(
            "vigil_offset_gaps_total", "Gaps found between Kafka and the database", ["topic"], registry=registry
        )

    def _of_watch(self, registry: CollectorRegistry) -> None:
        self.problems = Gauge("vigil_problems", "What is wrong now, as `vigil watch` sees it", ["kind"], registry=registry)
        self.looks_total = Counter("vigil_looks_total", "Looks that `vigil watch` has taken", registry=registry)
        self.heartbeat_path_seconds = Gauge(
            "vigil_heartbeat_path_seconds",
            "From MLLP to the score of a patient nobody has; NaN while the path is closed",
            registry=registry,
        )
        self.test_page_seconds = Gauge(
            "vigil_test_page_seconds",
            "From MLLP to the arrival of the page for a patient nobody has; NaN where it did not arrive",
            ["feed"],
            registry=registry,
        )
        self.test_pages_total = Counter(
            "vigil_test_pages_total", "Pages for patients nobody has, by how far they came", ["feed", "stage"], registry=registry
        )

    def _of_pages(self, registry: CollectorRegistry) -> None:
        self.pages_total = Counter("vigil_pages_total", "Attempts to deliver a page", ["channel", "outcome"], registry=registry)
        self.write_backs_total = Counter(
            "vigil_write_backs_total", "Scores that raise nothing, handed over to an EHR", ["channel", "outcome"], registry=registry
        )
        self.pages_pending = Gauge("vigil_pages_pending", "Pages not yet accepted by a provider", registry=registry)
        self.oldest_pending_page_seconds = Gauge(
            "vigil_oldest_pending_page_seconds", "Age of the oldest page not yet accepted", registry=registry
        )
        self.pages_may_repeat_total = Counter(
            "vigil_pages_may_repeat_total", "Attempts that may repeat one whose outcome nobody knows", ["channel"], registry=registry
        )
        self.channel_down = Gauge("vigil_channel_down", "1 while a channel's provider counts as down", ["channel"], registry=registry)
        self.escalations_total = Counter("vigil_escalations_total", "Steps taken, and why", ["tier", "reason"], registry=registry)
        self.answers_total = Counter("vigil_answers_total", "What people answered to pages", ["kind", "result"], registry=registry)
        self.oncall_uncovered_seconds = Gauge(
            "vigil_oncall_uncovered_seconds", "Of the next seven days, how long nobody is on call", ["team"], registry=registry
        )
        self.quarantined_total = Counter("vigil_quarantined_total", "Messages set aside for a person", ["reason"], registry=registry)
        self.feed_silence_seconds = Gauge("vigil_feed_silence_seconds", "Time since a feed last spoke", ["feed"], registry=registry)
        self.decisions_total = Counter(
            "vigil_decisions_total", "What the policy decided, and why", ["kind", "tier", "reason"], registry=registry
        )


def serve(metrics: Metrics, port: int, host: str = "127.0.0.1") -> int:
    """Serves `/metrics` from a daemon thread and tells the port; 0 chooses a free one."""
    server, _ = start_http_server(port, addr=host, registry=metrics.registry)
    return int(server.server_port)
