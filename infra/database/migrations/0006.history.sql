-- Years of history: the columnstore once late data is no longer expected, and hourly vital signs for charts under one name with and without TimescaleDB.
-- depends: 0003.alerts

DO $do$
DECLARE
    hourly constant text := $hourly$
        SELECT
            patient_id, canonical_code AS code, %s AS hour,
            min(canonical_num) AS low, max(canonical_num) AS high, sum(canonical_num) AS total, count(*) AS count,
            (array_agg(canonical_num ORDER BY observed_at DESC, received_at DESC, "offset" DESC, ordinal DESC))[1] AS last,
            max(observed_at) AS last_at
        FROM vigil_store.observation
        WHERE superseded_at IS NULL AND status NOT IN ('deleted', 'wrong') AND canonical_num IS NOT NULL
            AND canonical_code IN ('8867-4', '9279-1', '59408-5', '8480-6', '8462-4', '8478-0', '8310-5', '3151-8', '3150-6', '9269-2', '19889-5')
        GROUP BY 1, 2, 3
    $hourly$;
BEGIN
    -- The columnstore and continuous aggregates are in TimescaleDB's community edition; its Apache edition has hypertables alone.
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') AND coalesce(current_setting('timescaledb.license', true), '') = 'timescale' THEN
        -- A chunk of a day is compressed when all of it is older than seven days: senders' queues are drained by then, and a resend is looked for no
        -- further back (streams/transaction.py). What comes later still, or corrects, is taken into the compressed chunk and packed again by the policy.
        ALTER TABLE vigil_store.message SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'topic, partition',
            timescaledb.orderby = '"offset", received_at');
        CALL add_columnstore_policy('vigil_store.message', after => interval '7 days');
        ALTER TABLE vigil_store.observation SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'patient_id',
            timescaledb.orderby = 'observed_at, topic, partition, "offset", ordinal');
        CALL add_columnstore_policy('vigil_store.observation', after => interval '7 days');
        ALTER TABLE vigil_store.score SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'patient_id', timescaledb.orderby = 'scored_at, score_id');
        CALL add_columnstore_policy('vigil_store.score', after => interval '7 days');

        -- The last seven days are summed up from the rows whenever somebody asks: a correction shows at once. Older hours are kept ready; a change
        -- to one of those shows with the next refresh, ten minutes later at most.
        EXECUTE 'CREATE MATERIALIZED VIEW vigil_store.vitals_hourly WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS '
            || format(hourly, $bucket$time_bucket(interval '1 hour', observed_at)$bucket$) || ' WITH NO DATA';
        PERFORM add_continuous_aggregate_policy('vigil_store.vitals_hourly', start_offset => NULL, end_offset => interval '7 days',
            schedule_interval => interval '10 minutes');
        ALTER MATERIALIZED VIEW vigil_store.vitals_hourly SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'patient_id, code',
            timescaledb.orderby = 'hour');
        CALL add_columnstore_policy('vigil_store.vitals_hourly', after => interval '30 days');
    ELSE
        EXECUTE 'CREATE VIEW vigil_store.vitals_hourly AS ' || format(hourly, $bucket$date_bin(interval '1 hour', observed_at, timestamptz '2000-01-01 00:00+00')$bucket$);
    END IF;
END
$do$;

-- Written as two branches, not as `coalesce(merged_into, patient_id)`, so that a chart of one patient reads that patient's rows and no others.
CREATE VIEW vigil.vitals_hourly AS
SELECT
    patient_id, code, hour, min(low) AS low, max(high) AS high, sum(total) / sum(count) AS mean, (array_agg(last ORDER BY last_at DESC))[1] AS last,
    sum(count)::bigint AS count
FROM (
    SELECT h.patient_id, h.code, h.hour, h.low, h.high, h.total, h.count, h.last, h.last_at
    FROM vigil_store.vitals_hourly AS h
    WHERE NOT EXISTS (SELECT FROM vigil_store.patient AS p WHERE p.patient_id = h.patient_id AND p.merged_into IS NOT NULL)
    UNION ALL
    SELECT p.merged_into, h.code, h.hour, h.low, h.high, h.total, h.count, h.last, h.last_at
    FROM vigil_store.patient AS p
    CROSS JOIN LATERAL (SELECT * FROM vigil_store.vitals_hourly AS x WHERE x.patient_id = p.patient_id OFFSET 0) AS h
    WHERE p.merged_into IS NOT NULL
) AS every
GROUP BY patient_id, code, hour;

-- The same two branches for the views that grow: with `coalesce(merged_into, patient_id)` a question about one patient read everybody's rows.
CREATE OR REPLACE VIEW vigil.observations AS
SELECT
    current_id AS patient_id, encounter_id, code, code_system, value_num, value_text, comparator, unit,
    canonical_code, canonical_num, canonical_unit, canonical_text, observed_at, received_at, status,
    (superseded_at IS NULL AND status NOT IN ('deleted', 'wrong')) AS current,
    superseded_at, flags, patient_id AS recorded_as, topic, partition, "offset"
FROM (
    SELECT o.patient_id AS current_id, o.* FROM vigil_store.observation AS o
    WHERE NOT EXISTS (SELECT FROM vigil_store.patient AS p WHERE p.patient_id = o.patient_id AND p.merged_into IS NOT NULL)
    UNION ALL
    SELECT p.merged_into, o.* FROM vigil_store.patient AS p JOIN vigil_store.observation AS o ON o.patient_id = p.patient_id
    WHERE p.merged_into IS NOT NULL
) AS every;

CREATE OR REPLACE VIEW vigil.scores AS
SELECT score_id, current_id AS patient_id, encounter_id, name, version, value, at_least, red, as_of, scored_at, mode, explanation
FROM (
    SELECT s.patient_id AS current_id, s.* FROM vigil_store.score AS s
    WHERE NOT EXISTS (SELECT FROM vigil_store.patient AS p WHERE p.patient_id = s.patient_id AND p.merged_into IS NOT NULL)
    UNION ALL
    SELECT p.merged_into, s.* FROM vigil_store.patient AS p JOIN vigil_store.score AS s ON s.patient_id = p.patient_id
    WHERE p.merged_into IS NOT NULL
) AS every;
