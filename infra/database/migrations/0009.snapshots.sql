-- Rolling states kept ready for a worker that starts cold, and who holds a partition: both may be lost or emptied at any time, and are made again.
-- depends: 0008.events

CREATE TABLE vigil_store.snapshot (
    patient_id text PRIMARY KEY,
    version text NOT NULL,
    disturbed bigint NOT NULL,
    topics text[] NOT NULL,
    partition int NOT NULL,
    next_offsets bigint[] NOT NULL,
    taken_at timestamptz NOT NULL,
    state bytea NOT NULL
);

CREATE TABLE vigil_store.partition_owner (
    partition int PRIMARY KEY,
    owner text NOT NULL
);
