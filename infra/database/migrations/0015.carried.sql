-- What a model that reads a patient step by step carries of each: may be lost or emptied at any time, and is made again from the facts.
-- depends: 0014.parts

-- Two writes of different size: what the open step holds with every message, what it began with once an hour. So the large part lies out of
-- line, where an update of the others leaves it alone.
CREATE TABLE vigil_store.carried (
    patient_id text NOT NULL,
    version text NOT NULL,
    disturbed bigint NOT NULL,
    before_at timestamptz,
    opened_at timestamptz NOT NULL,
    at timestamptz NOT NULL,
    step bytea NOT NULL,
    before bytea NOT NULL,
    PRIMARY KEY (patient_id, version)
) WITH (fillfactor = 80, toast_tuple_target = 128);
ALTER TABLE vigil_store.carried ALTER COLUMN before SET STORAGE EXTERNAL;
ALTER TABLE vigil_store.carried ALTER COLUMN step SET STORAGE PLAIN;
