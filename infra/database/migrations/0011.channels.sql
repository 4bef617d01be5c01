-- What providers say of pages after they took them: receipts, answers each taken once, and how far a provider has been told how a page ended.
-- depends: 0009.snapshots

ALTER TABLE vigil_store.page
    ADD COLUMN delivered_at timestamptz,
    ADD COLUMN ending_told text CHECK (ending_told IN ('acknowledged', 'over'));
CREATE INDEX page_target ON vigil_store.page (channel, queued_at);

CREATE TABLE vigil_store.receipt (
    page_id text NOT NULL REFERENCES vigil_store.page,
    provider_ref text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('delivered', 'failed')),
    detail text NOT NULL,
    received_at timestamptz NOT NULL,
    applied_at timestamptz,
    PRIMARY KEY (page_id, provider_ref, outcome)
);
CREATE INDEX receipt_waiting ON vigil_store.receipt (page_id) WHERE applied_at IS NULL;

CREATE TABLE vigil_store.provider_reply (
    channel text NOT NULL,
    message_id text NOT NULL,
    received_at timestamptz NOT NULL,
    page_id text REFERENCES vigil_store.page,
    kind text,
    result text,
    PRIMARY KEY (channel, message_id)
);

CREATE OR REPLACE VIEW vigil.pages AS
SELECT
    page_id, episode_id, tier, step, channel, target, state, attempts, created_at, accepted_at, acknowledged_at, acknowledged_by, unit, last_error,
    person, may_repeat, declined_at, declined_by, delivered_at
FROM vigil_store.page;
