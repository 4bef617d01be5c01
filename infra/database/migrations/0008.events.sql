-- What messages say beside observations, orders and notes: movements, therapies, code status, allergies, teams, microbiology; and what was
-- known when. One row an event, typed where it is asked for, the whole event as JSON.
-- depends: 0006.history 0007.backlog

CREATE TABLE vigil_store.event (
    patient_id text NOT NULL,
    encounter_id text,
    kind text NOT NULL,
    code text,
    code_system text,
    display text,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    detail jsonb NOT NULL,
    withdrawn_at timestamptz,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    ordinal int NOT NULL
);
CREATE UNIQUE INDEX event_once ON vigil_store.event (patient_id, occurred_at, topic, partition, "offset", ordinal);
CREATE INDEX event_state ON vigil_store.event (patient_id, kind, occurred_at)
    WHERE kind IN ('admit', 'transfer', 'discharge', 'update', 'cancel', 'merge_visit', 'seen', 'code_status', 'medication');

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM create_hypertable('vigil_store.event', 'occurred_at', chunk_time_interval => interval '7 days', create_default_indexes => false);
        IF current_setting('timescaledb.license') = 'timescale' THEN
            ALTER TABLE vigil_store.event SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'patient_id',
                timescaledb.orderby = 'occurred_at, topic, partition, "offset", ordinal');
            CALL add_columnstore_policy('vigil_store.event', after => interval '7 days');
        END IF;
    END IF;
END
$$;

-- A visit's facts that were filed under the wrong patient: from this receipt on they are no longer theirs (their copies are the other's), and they
-- are superseded as well.
ALTER TABLE vigil_store.observation ADD COLUMN withdrawn_at timestamptz;
ALTER TABLE vigil_store.note ADD COLUMN action text NOT NULL DEFAULT 'new', ADD COLUMN authenticated_by text;

-- Counts what other workers' messages changed of a patient; a cached state of another count is stale.
ALTER TABLE vigil_store.patient ADD COLUMN disturbed bigint NOT NULL DEFAULT 0;

-- When birth date and sex were received last: a message of the past that is filled in later corrects nobody.
ALTER TABLE vigil_store.patient ADD COLUMN person_at timestamptz;

-- On a database that has grown, this index and the next are made beforehand, without a lock: infra/docs/upgrade.md.
-- A control id that comes with other contents than before is told (streams/resends.py).
CREATE INDEX IF NOT EXISTS message_control_id ON vigil_store.message (control_id, sent_by) WHERE control_id IS NOT NULL;

-- Baselines lie further back than the window of all other readings.
CREATE INDEX IF NOT EXISTS observation_baseline ON vigil_store.observation (patient_id, observed_at) WHERE canonical_code = '2160-0';

-- A visit that was filed under the wrong patient: what is still on its way for it under the old number follows it.
CREATE TABLE vigil_store.moved_visit (
    from_id text NOT NULL,
    from_encounter_id text NOT NULL,
    into_id text NOT NULL,
    encounter_id text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (from_id, from_encounter_id)
);

-- Who was taken for whom from when until when, and through which merge; `patient.merged_into` is what holds today.
CREATE TABLE vigil_store.identity (
    patient_id text NOT NULL,
    merged_into text NOT NULL,
    via text,
    since timestamptz NOT NULL,
    until timestamptz
);
CREATE INDEX identity_patient ON vigil_store.identity (patient_id);
CREATE INDEX identity_survivor ON vigil_store.identity (merged_into);
INSERT INTO vigil_store.identity (patient_id, merged_into, since)
SELECT patient_id, merged_into, merged_at FROM vigil_store.patient WHERE merged_into IS NOT NULL;

-- Where a patient was when; made of the movements, made anew where one comes late.
CREATE TABLE vigil_store.stay (
    patient_id text NOT NULL,
    encounter_id text NOT NULL,
    unit text,
    bed text,
    since timestamptz NOT NULL,
    until timestamptz,
    PRIMARY KEY (patient_id, encounter_id, since)
);

-- Visits known before there were movements: each becomes an admission, and a discharge where it had ended.
INSERT INTO vigil_store.event (patient_id, encounter_id, kind, occurred_at, received_at, detail, topic, partition, "offset", ordinal)
SELECT
    patient_id, encounter_id, 'admit', coalesce(admitted_at, located_at, touched_at), touched_at,
    jsonb_build_object(
        'kind', 'admit', 'occurred_at', coalesce(admitted_at, located_at, touched_at), 'person', '{}'::jsonb,
        'visit', jsonb_build_object(
            'encounter_id', encounter_id, 'patient_class', class, 'admitted_at', admitted_at,
            'location', jsonb_build_object('unit', unit, 'bed', bed)
        )
    ),
    'migration', 0, row_number() OVER (ORDER BY patient_id, encounter_id), 0
FROM vigil_store.encounter;

INSERT INTO vigil_store.event (patient_id, encounter_id, kind, occurred_at, received_at, detail, topic, partition, "offset", ordinal)
SELECT
    patient_id, encounter_id, 'discharge', discharged_at, touched_at,
    jsonb_build_object(
        'kind', 'discharge', 'occurred_at', discharged_at, 'person', '{}'::jsonb, 'visit', jsonb_build_object('encounter_id', encounter_id)
    ),
    'migration', 0, row_number() OVER (ORDER BY patient_id, encounter_id), 1
FROM vigil_store.encounter WHERE status = 'discharged' AND discharged_at IS NOT NULL;

INSERT INTO vigil_store.event (patient_id, encounter_id, kind, occurred_at, received_at, detail, topic, partition, "offset", ordinal)
SELECT
    patient_id, encounter_id, 'cancel', coalesce(located_at, touched_at), touched_at,
    jsonb_build_object(
        'kind', 'cancel', 'cancels', 'admit', 'occurred_at', coalesce(located_at, touched_at), 'person', '{}'::jsonb,
        'visit', jsonb_build_object('encounter_id', encounter_id)
    ),
    'migration', 0, row_number() OVER (ORDER BY patient_id, encounter_id), 2
FROM vigil_store.encounter WHERE status = 'cancelled';

CREATE OR REPLACE VIEW vigil.observations AS
SELECT
    current_id AS patient_id, encounter_id, code, code_system, value_num, value_text, comparator, unit,
    canonical_code, canonical_num, canonical_unit, canonical_text, observed_at, received_at, status,
    (superseded_at IS NULL AND status NOT IN ('deleted', 'wrong')) AS current,
    superseded_at, flags, patient_id AS recorded_as, topic, partition, "offset", result_key, ordinal, withdrawn_at
FROM (
    SELECT o.patient_id AS current_id, o.* FROM vigil_store.observation AS o
    WHERE NOT EXISTS (SELECT FROM vigil_store.patient AS p WHERE p.patient_id = o.patient_id AND p.merged_into IS NOT NULL)
    UNION ALL
    SELECT p.merged_into, o.* FROM vigil_store.patient AS p JOIN vigil_store.observation AS o ON o.patient_id = p.patient_id
    WHERE p.merged_into IS NOT NULL
) AS every;

CREATE VIEW vigil.events AS
SELECT
    current_id AS patient_id, encounter_id, kind, code, code_system, display, occurred_at, received_at, detail, withdrawn_at,
    patient_id AS recorded_as, topic, partition, "offset", ordinal
FROM (
    SELECT e.patient_id AS current_id, e.* FROM vigil_store.event AS e
    WHERE NOT EXISTS (SELECT FROM vigil_store.patient AS p WHERE p.patient_id = e.patient_id AND p.merged_into IS NOT NULL)
    UNION ALL
    SELECT p.merged_into, e.* FROM vigil_store.patient AS p JOIN vigil_store.event AS e ON e.patient_id = p.patient_id
    WHERE p.merged_into IS NOT NULL
) AS every;

CREATE VIEW vigil.locations AS
SELECT coalesce(p.merged_into, s.patient_id) AS patient_id, s.encounter_id, s.unit, s.bed, s.since, s.until
FROM vigil_store.stay AS s
LEFT JOIN vigil_store.patient AS p ON p.patient_id = s.patient_id AND p.merged_into IS NOT NULL;

CREATE VIEW vigil.medications AS
SELECT
    patient_id, encounter_id, detail ->> 'action' AS action, code, code_system, display, detail ->> 'therapy' AS therapy,
    (detail ->> 'dose_num')::float8 AS dose_num, detail ->> 'dose_unit' AS dose_unit, (detail ->> 'rate_num')::float8 AS rate_num,
    detail ->> 'rate_unit' AS rate_unit, detail ->> 'route' AS route, detail ->> 'status' AS status, occurred_at AS started_at, received_at
FROM vigil.events WHERE kind = 'medication' AND withdrawn_at IS NULL;

-- What was known of a patient at an instant: everything received by then, in the version that held then, under the identity that held then.
CREATE FUNCTION vigil.known_as(patient text, at timestamptz) RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT patient
    UNION
    SELECT i.patient_id FROM vigil_store.identity AS i WHERE i.merged_into = patient AND i.since <= at AND (i.until IS NULL OR i.until > at)
$$;

CREATE FUNCTION vigil.observations_as_of(patient text, at timestamptz)
RETURNS TABLE (
    encounter_id text, code text, code_system text, value_num float8, value_text text, unit text, canonical_code text, canonical_num float8,
    canonical_text text, observed_at timestamptz, received_at timestamptz, status text, result_key text, topic text, partition int,
    "offset" bigint, ordinal int
)
LANGUAGE sql STABLE AS $$
    SELECT
        o.encounter_id, o.code, o.code_system, o.value_num, o.value_text, o.unit, o.canonical_code, o.canonical_num, o.canonical_text, o.observed_at,
        o.received_at, o.status, o.result_key, o.topic, o.partition, o."offset", o.ordinal
    FROM vigil_store.observation AS o
    WHERE o.patient_id IN (SELECT vigil.known_as(patient, at)) AND o.received_at <= at AND (o.withdrawn_at IS NULL OR o.withdrawn_at > at)
        AND (
            o.result_key IS NULL
            OR NOT EXISTS (
                SELECT FROM vigil_store.observation AS later
                WHERE later.patient_id IN (SELECT vigil.known_as(patient, at)) AND later.result_key = o.result_key AND later.received_at <= at
                    AND (later.withdrawn_at IS NULL OR later.withdrawn_at > at)
                    AND (later.status <> 'preliminary', later.received_at, later.topic, later.partition, later."offset")
                        > (o.status <> 'preliminary', o.received_at, o.topic, o.partition, o."offset")
            )
        )
    ORDER BY o.observed_at, o.received_at, o.topic, o.partition, o."offset", o.ordinal
$$;

CREATE FUNCTION vigil.events_as_of(patient text, at timestamptz)
RETURNS TABLE (
    encounter_id text, kind text, code text, occurred_at timestamptz, received_at timestamptz, detail jsonb, topic text, partition int,
    "offset" bigint, ordinal int
)
LANGUAGE sql STABLE AS $$
    SELECT e.encounter_id, e.kind, e.code, e.occurred_at, e.received_at, e.detail, e.topic, e.partition, e."offset", e.ordinal
    FROM vigil_store.event AS e
    WHERE e.patient_id IN (SELECT vigil.known_as(patient, at)) AND e.received_at <= at AND (e.withdrawn_at IS NULL OR e.withdrawn_at > at)
    ORDER BY e.occurred_at, e.received_at, e.topic, e.partition, e."offset", e.ordinal
$$;
