-- What the alerts room keeps: episodes, pages (the outbox), and the audit log.
-- depends: 0002.scoring

CREATE TABLE vigil_store.episode (
    episode_id text PRIMARY KEY,
    patient_id text NOT NULL,
    encounter_id text,
    tier text NOT NULL,
    unit text,
    bed text,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    state text NOT NULL CHECK (state IN ('open', 'notified', 'acknowledged', 'resolved', 'closed')),
    reason text NOT NULL,
    closed_because text,
    score_id text NOT NULL,
    clearing_since timestamptz,
    received_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX episode_open ON vigil_store.episode (patient_id, tier) WHERE closed_at IS NULL;

CREATE TABLE vigil_store.page (
    page_id text PRIMARY KEY,
    dedup_key text NOT NULL UNIQUE,
    episode_id text NOT NULL REFERENCES vigil_store.episode,
    tier text NOT NULL,
    unit text,
    step int NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'sending', 'accepted', 'acknowledged', 'failed', 'withdrawn')),
    attempts int NOT NULL DEFAULT 0,
    token text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    received_at timestamptz NOT NULL,
    accepted_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    provider_ref text,
    last_error text
);
CREATE INDEX page_due ON vigil_store.page (next_attempt_at) WHERE state IN ('pending', 'sending');
CREATE INDEX page_episode ON vigil_store.page (episode_id);

CREATE TABLE vigil_store.audit_log (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL,
    hash text NOT NULL
);

CREATE VIEW vigil.episodes AS
SELECT
    e.episode_id, coalesce(p.merged_into, e.patient_id) AS patient_id, e.encounter_id, e.tier, e.opened_at, e.closed_at, e.state, e.reason,
    e.closed_because, e.unit, e.bed, e.score_id
FROM vigil_store.episode AS e
LEFT JOIN vigil_store.patient AS p ON p.patient_id = e.patient_id AND p.merged_into IS NOT NULL;

CREATE VIEW vigil.pages AS
SELECT
    page_id, episode_id, tier, step, channel, target, state, attempts, created_at, accepted_at, acknowledged_at, acknowledged_by, unit, last_error
FROM vigil_store.page;

CREATE VIEW vigil.audit_log AS
SELECT at, actor, action, subject, detail, hash FROM vigil_store.audit_log;
