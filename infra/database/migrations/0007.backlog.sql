-- Live before backlog: ranges of offsets that were put aside after an outage, each with its own progress; a finished one is deleted.
-- depends: 0004.quarantine

CREATE TABLE vigil_store.backlog (
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    until_offset bigint NOT NULL,
    put_aside_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, until_offset),
    CHECK (next_offset < until_offset)
);
