-- Parts of messages that come in several, until the others have come (infra/adr/2026-11-24-parts-wait-in-the-database.md).
-- depends: 0009.snapshots

CREATE TABLE vigil_store.message_part (
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    received_at timestamptz NOT NULL,
    taken_at timestamptz NOT NULL,
    origin text NOT NULL,
    follows text NOT NULL,
    pointer text NOT NULL,
    feed text,
    control_id text,
    sent_by text,
    message_type text,
    body bytea NOT NULL,
    given_up_at timestamptz,
    PRIMARY KEY (topic, partition, "offset", received_at)
);
CREATE INDEX message_part_origin ON vigil_store.message_part (origin, taken_at);
