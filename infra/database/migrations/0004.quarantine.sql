-- What a person decided about a message that was set aside: tried again, or discarded. Without a row here it waits for somebody.
-- depends: 0003.alerts

CREATE TABLE vigil_store.quarantine_decision (
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    decision text NOT NULL CHECK (decision IN ('retried', 'discarded')),
    decided_at timestamptz NOT NULL,
    decided_by text NOT NULL,
    note text,
    PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX message_quarantined ON vigil_store.message (received_at) WHERE outcome = 'quarantined';

CREATE VIEW vigil.quarantine AS
SELECT
    m.topic, m.partition, m."offset", m.feed, m.control_id, m.message_type, m.received_at, m.reason,
    coalesce(d.decision, 'waiting') AS state, d.decided_at, d.decided_by, d.note
FROM vigil_store.message AS m
LEFT JOIN vigil_store.quarantine_decision AS d USING (topic, partition, "offset")
WHERE m.outcome = 'quarantined';
