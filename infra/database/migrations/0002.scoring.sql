-- What the scoring room keeps: every score with what it was made of.
-- depends: 0001.streams

CREATE TABLE vigil_store.score (
    score_id text NOT NULL,
    patient_id text NOT NULL,
    encounter_id text,
    name text NOT NULL,
    version text NOT NULL,
    value double precision,
    at_least double precision,
    red boolean NOT NULL,
    as_of timestamptz NOT NULL,
    scored_at timestamptz NOT NULL,
    mode text NOT NULL CHECK (mode IN ('live', 'shadow', 'fallback')),
    explanation jsonb NOT NULL,
    PRIMARY KEY (score_id, scored_at)
);
CREATE INDEX score_patient ON vigil_store.score (patient_id, scored_at);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM create_hypertable('vigil_store.score', 'scored_at', chunk_time_interval => interval '1 day', create_default_indexes => false);
    END IF;
END
$$;

CREATE VIEW vigil.scores AS
SELECT
    s.score_id, coalesce(p.merged_into, s.patient_id) AS patient_id, s.encounter_id, s.name, s.version, s.value, s.at_least, s.red,
    s.as_of, s.scored_at, s.mode, s.explanation
FROM vigil_store.score AS s
LEFT JOIN vigil_store.patient AS p ON p.patient_id = s.patient_id AND p.merged_into IS NOT NULL;
