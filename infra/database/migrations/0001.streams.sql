-- What the streams room keeps: progress, messages, patients, encounters, observations, orders, notes.
-- One migration is one transaction; hypertables where TimescaleDB is offered, plain tables of the same names where it is not.

CREATE SCHEMA IF NOT EXISTS vigil_store;
CREATE SCHEMA IF NOT EXISTS vigil;

CREATE TABLE vigil_store.progress (
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);

CREATE TABLE vigil_store.message (
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    feed text,
    control_id text,
    sent_by text,
    message_type text,
    received_at timestamptz NOT NULL,
    processed_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('stored', 'duplicate', 'quarantined', 'ignored')),
    reason text,
    patient_id text,
    fingerprint bigint NOT NULL,
    PRIMARY KEY (topic, partition, "offset", received_at)
);
CREATE INDEX message_fingerprint ON vigil_store.message (fingerprint);

CREATE TABLE vigil_store.patient (
    patient_id text PRIMARY KEY,
    birth_date date,
    sex text CHECK (sex IN ('F', 'M')),
    merged_into text,
    merged_at timestamptz
);
CREATE INDEX patient_merged ON vigil_store.patient (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE vigil_store.encounter (
    patient_id text NOT NULL,
    encounter_id text NOT NULL,
    unit text,
    bed text,
    class text,
    admitted_at timestamptz,
    located_at timestamptz,
    discharged_at timestamptz,
    status text NOT NULL CHECK (status IN ('open', 'discharged', 'cancelled')),
    touched_at timestamptz NOT NULL,
    PRIMARY KEY (patient_id, encounter_id)
);

CREATE TABLE vigil_store.observation (
    patient_id text NOT NULL,
    encounter_id text,
    code text NOT NULL,
    code_system text,
    value_num double precision,
    value_text text,
    comparator text,
    unit text,
    canonical_code text,
    canonical_num double precision,
    canonical_unit text,
    canonical_text text,
    observed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    status text NOT NULL,
    result_key text,
    flags text[],
    superseded_at timestamptz,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    ordinal int NOT NULL
);
CREATE UNIQUE INDEX observation_once ON vigil_store.observation (patient_id, observed_at, topic, partition, "offset", ordinal);

CREATE TABLE vigil_store.clinical_order (
    patient_id text NOT NULL,
    encounter_id text,
    control text,
    placer_number text,
    filler_number text,
    code text,
    code_system text,
    display text,
    status text,
    priority text,
    ordered_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    ordinal int NOT NULL,
    PRIMARY KEY (topic, partition, "offset", ordinal, ordered_at)
);
CREATE INDEX clinical_order_patient ON vigil_store.clinical_order (patient_id, ordered_at);

CREATE TABLE vigil_store.note (
    patient_id text NOT NULL,
    encounter_id text,
    document_id text,
    parent_document_id text,
    document_type text,
    status text,
    author text,
    body text NOT NULL,
    written_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    ordinal int NOT NULL,
    PRIMARY KEY (topic, partition, "offset", ordinal, written_at)
);
CREATE INDEX note_patient ON vigil_store.note (patient_id, written_at);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb;
        PERFORM create_hypertable('vigil_store.message', 'received_at', chunk_time_interval => interval '1 day', create_default_indexes => false);
        PERFORM create_hypertable('vigil_store.observation', 'observed_at', chunk_time_interval => interval '1 day', create_default_indexes => false);
    ELSE
        CREATE INDEX message_received ON vigil_store.message USING brin (received_at);
        CREATE INDEX observation_received ON vigil_store.observation USING brin (received_at);
    END IF;
END
$$;

-- Who a patient is today: a merged-away patient's facts stay as they were recorded and are read as the survivor's.
CREATE VIEW vigil.patients AS
SELECT patient_id, birth_date, sex, merged_into, merged_at, coalesce(merged_into, patient_id) AS current_id
FROM vigil_store.patient;

CREATE VIEW vigil.messages AS
SELECT topic, partition, "offset", feed, control_id, sent_by, message_type, received_at, processed_at, outcome, reason
FROM vigil_store.message;

CREATE VIEW vigil.observations AS
SELECT
    coalesce(p.merged_into, o.patient_id) AS patient_id,
    o.encounter_id, o.code, o.code_system, o.value_num, o.value_text, o.comparator, o.unit,
    o.canonical_code, o.canonical_num, o.canonical_unit, o.canonical_text,
    o.observed_at, o.received_at, o.status,
    (o.superseded_at IS NULL AND o.status NOT IN ('deleted', 'wrong')) AS current,
    o.superseded_at, o.flags, o.patient_id AS recorded_as, o.topic, o.partition, o."offset"
FROM vigil_store.observation AS o
LEFT JOIN vigil_store.patient AS p ON p.patient_id = o.patient_id AND p.merged_into IS NOT NULL;

CREATE VIEW vigil.encounters AS
SELECT coalesce(p.merged_into, e.patient_id) AS patient_id, e.encounter_id, e.unit, e.bed, e.class, e.admitted_at, e.discharged_at, e.status
FROM vigil_store.encounter AS e
LEFT JOIN vigil_store.patient AS p ON p.patient_id = e.patient_id AND p.merged_into IS NOT NULL;

CREATE VIEW vigil.orders AS
SELECT
    coalesce(p.merged_into, o.patient_id) AS patient_id, o.encounter_id, o.control, o.placer_number, o.filler_number, o.code, o.code_system,
    o.display, o.status, o.priority, o.ordered_at, o.received_at
FROM vigil_store.clinical_order AS o
LEFT JOIN vigil_store.patient AS p ON p.patient_id = o.patient_id AND p.merged_into IS NOT NULL;

CREATE VIEW vigil.notes AS
SELECT
    coalesce(p.merged_into, n.patient_id) AS patient_id, n.encounter_id, n.document_id, n.parent_document_id, n.document_type, n.status, n.author,
    n.body, n.written_at, n.received_at
FROM vigil_store.note AS n
LEFT JOIN vigil_store.patient AS p ON p.patient_id = n.patient_id AND p.merged_into IS NOT NULL;
