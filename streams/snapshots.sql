-- What keeping a partition for oneself, and its patients' states ready, asks and writes.

-- name: claim
INSERT INTO vigil_store.partition_owner (partition, owner) SELECT unnest(%(partitions)s::int[]), %(owner)s
ON CONFLICT (partition) DO UPDATE SET owner = excluded.owner WHERE vigil_store.partition_owner.owner <> excluded.owner
RETURNING partition

-- name: hold
SELECT count(*) FROM (
    SELECT FROM vigil_store.partition_owner WHERE partition = ANY(%(partitions)s::int[]) AND owner = %(owner)s ORDER BY partition FOR UPDATE
) AS held

-- name: reached
SELECT topic, next_offset FROM vigil_store.progress WHERE partition = %(partition)s ORDER BY topic

-- name: keep
INSERT INTO vigil_store.snapshot (patient_id, version, disturbed, topics, partition, next_offsets, taken_at, state)
VALUES (%(patient_id)s, %(version)s, %(disturbed)s, %(topics)s, %(partition)s, %(next_offsets)s, %(now)s, %(state)s)
ON CONFLICT (patient_id) DO UPDATE SET version = excluded.version, disturbed = excluded.disturbed, topics = excluded.topics,
    partition = excluded.partition, next_offsets = excluded.next_offsets, taken_at = excluded.taken_at, state = excluded.state

-- name: drop
DELETE FROM vigil_store.snapshot WHERE patient_id = ANY(%(ids)s::text[])

-- name: load
SELECT s.patient_id, s.disturbed, s.state, p.birth_date, p.sex, p.person_at
FROM vigil_store.snapshot AS s LEFT JOIN vigil_store.patient AS p USING (patient_id)
WHERE s.patient_id = ANY(%(ids)s::text[]) AND s.version = %(version)s

-- name: observations_since
-- Each topic is asked by itself, so that the offset is looked for within the index and only what is new is fetched.
SELECT o.patient_id, o.code, o.code_system, o.value_num, o.value_text, o.comparator, o.unit, o.canonical_code, o.canonical_num,
    o.canonical_unit, o.canonical_text, o.observed_at, o.received_at, o.status, o.result_key
FROM vigil_store.snapshot AS s
CROSS JOIN LATERAL unnest(s.topics, s.next_offsets) AS t (topic, next_offset)
CROSS JOIN LATERAL (
    SELECT * FROM vigil_store.observation AS x
    WHERE x.patient_id = s.patient_id AND x.observed_at > s.taken_at - %(reach)s::interval AND x.topic = t.topic AND x.partition = s.partition
        AND x."offset" >= t.next_offset
) AS o
WHERE s.patient_id = ANY(%(ids)s::text[])
ORDER BY o.received_at, o.topic, o.partition, o."offset", o.ordinal

-- name: events_since
SELECT e.patient_id, e.occurred_at, e.received_at, e.detail
FROM vigil_store.snapshot AS s
CROSS JOIN LATERAL unnest(s.topics, s.next_offsets) AS t (topic, next_offset)
CROSS JOIN LATERAL (
    SELECT * FROM vigil_store.event AS x
    WHERE x.patient_id = s.patient_id AND x.topic = t.topic AND x.partition = s.partition AND x."offset" >= t.next_offset
        AND x.kind IN ('admit', 'transfer', 'discharge', 'update', 'cancel', 'merge_visit', 'seen', 'code_status', 'medication')
) AS e
WHERE s.patient_id = ANY(%(ids)s::text[])
ORDER BY e.received_at, e.topic, e.partition, e."offset", e.ordinal
