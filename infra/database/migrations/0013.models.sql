-- How far each model version has come on its way to the bedside, and which feeds send numbers that look like another unit's.
-- depends: 0012.rapid_response

-- One row a change, never updated; the newest of a version is where it stands. `manifest_sha256`: of what was signed for.
CREATE TABLE vigil_store.model_stage (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model text NOT NULL,
    version text NOT NULL,
    served text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('shadow', 'pilot', 'live', 'retired')),
    manifest_sha256 text NOT NULL,
    units text[] NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    signed_by text[] NOT NULL,
    evidence jsonb NOT NULL,
    reason text NOT NULL
);
CREATE INDEX model_stage_version ON vigil_store.model_stage (model, version, number);

CREATE VIEW vigil.models AS
SELECT DISTINCT ON (model, version)
    model, version, served, stage, manifest_sha256, units, at AS since, actor, signed_by, evidence, reason
FROM vigil_store.model_stage
ORDER BY model, version, number DESC;

-- What a worker sees of a feed now; it says so again while it lasts, so that a row that is not touched any more is over.
CREATE TABLE vigil_store.unit_drift (
    feed text NOT NULL,
    quantity text NOT NULL,
    looks_like text NOT NULL,
    detail text NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (feed, quantity)
);
