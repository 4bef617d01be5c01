-- What the worker's transaction reads and writes of its own room.

-- name: seed_progress
INSERT INTO vigil_store.progress (topic, partition, next_offset)
SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[])
ON CONFLICT DO NOTHING

-- name: progress
SELECT topic, partition, next_offset FROM vigil_store.progress

-- name: lock_progress
SELECT topic, partition, next_offset FROM vigil_store.progress
WHERE (topic, partition) IN (SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[]))
ORDER BY topic, partition
FOR UPDATE

-- name: advance_progress
UPDATE vigil_store.progress AS p SET next_offset = n.next_offset, updated_at = now()
FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(expected)s::bigint[], %(next)s::bigint[]) AS n (topic, partition, expected, next_offset)
WHERE p.topic = n.topic AND p.partition = n.partition AND p.next_offset = n.expected

-- name: lock_merges_shared
SELECT pg_advisory_xact_lock_shared(7106116561)

-- name: lock_merges
SELECT pg_advisory_xact_lock(7106116561)

-- name: known_fingerprints
SELECT fingerprint FROM vigil_store.message
WHERE fingerprint = ANY(%(fingerprints)s::bigint[]) AND received_at > %(since)s AND outcome <> 'quarantined'

-- name: aliases
SELECT patient_id, merged_into FROM vigil_store.patient
WHERE merged_into IS NOT NULL AND (patient_id = ANY(%(ids)s::text[]) OR merged_into = ANY(%(ids)s::text[])
    OR merged_into IN (SELECT merged_into FROM vigil_store.patient WHERE patient_id = ANY(%(ids)s::text[])))

-- name: merge_patient
INSERT INTO vigil_store.patient (patient_id, merged_into, merged_at) VALUES (%(from_id)s, %(into_id)s, %(at)s)
ON CONFLICT (patient_id) DO UPDATE SET merged_into = excluded.merged_into, merged_at = excluded.merged_at

-- name: flatten_merges
UPDATE vigil_store.patient SET merged_into = %(into_id)s WHERE merged_into = %(from_id)s AND patient_id <> %(into_id)s

-- name: surviving_patient
INSERT INTO vigil_store.patient (patient_id) VALUES (%(into_id)s)
ON CONFLICT (patient_id) DO UPDATE SET merged_into = NULL, merged_at = NULL

-- name: load_patients
SELECT patient_id, birth_date, sex FROM vigil_store.patient WHERE patient_id = ANY(%(ids)s::text[])

-- name: load_encounters
SELECT DISTINCT ON (patient_id) patient_id, encounter_id, unit, bed, class, admitted_at, located_at, discharged_at, status
FROM vigil_store.encounter WHERE patient_id = ANY(%(ids)s::text[])
ORDER BY patient_id, touched_at DESC, coalesce(located_at, admitted_at) DESC NULLS LAST

-- name: load_observations
SELECT o.patient_id, o.code, o.code_system, o.value_num, o.value_text, o.comparator, o.unit, o.canonical_code, o.canonical_num,
    o.canonical_unit, o.canonical_text, o.observed_at, o.received_at, o.status, o.result_key
FROM unnest(%(ids)s::text[]) AS p (patient_id)
CROSS JOIN LATERAL (
    SELECT * FROM vigil_store.observation AS x
    WHERE x.patient_id = p.patient_id AND x.superseded_at IS NULL
        AND x.observed_at > (SELECT max(y.observed_at) FROM vigil_store.observation AS y WHERE y.patient_id = p.patient_id) - %(window)s::interval
) AS o
ORDER BY o.received_at, o.topic, o.partition, o."offset", o.ordinal

-- name: upsert_patients
INSERT INTO vigil_store.patient (patient_id, birth_date, sex)
SELECT * FROM unnest(%(ids)s::text[], %(birth_dates)s::date[], %(sexes)s::text[])
ON CONFLICT (patient_id) DO UPDATE SET birth_date = excluded.birth_date, sex = excluded.sex

-- name: upsert_encounters
INSERT INTO vigil_store.encounter (patient_id, encounter_id, unit, bed, class, admitted_at, located_at, discharged_at, status, touched_at)
SELECT *, %(now)s FROM unnest(
    %(patient_ids)s::text[], %(encounter_ids)s::text[], %(units)s::text[], %(beds)s::text[], %(classes)s::text[],
    %(admitted)s::timestamptz[], %(located)s::timestamptz[], %(discharged)s::timestamptz[], %(statuses)s::text[]
)
ON CONFLICT (patient_id, encounter_id) DO UPDATE SET
    unit = excluded.unit, bed = excluded.bed, class = excluded.class, admitted_at = excluded.admitted_at, located_at = excluded.located_at,
    discharged_at = excluded.discharged_at, status = excluded.status, touched_at = excluded.touched_at

-- name: earlier_results
-- The arrays are named a second time, as constants: by those TimescaleDB leaves out chunks and finds rows in compressed ones, by a join it does not.
SELECT DISTINCT o.patient_id, o.result_key
FROM unnest(%(ids)s::text[], %(times)s::timestamptz[]) AS k (patient_id, observed_at)
JOIN vigil_store.observation AS o ON o.patient_id = k.patient_id AND o.observed_at = k.observed_at
WHERE o.patient_id = ANY(%(ids)s::text[]) AND o.observed_at = ANY(%(times)s::timestamptz[]) AND o.result_key IS NOT NULL

-- name: versions
SELECT DISTINCT o.observed_at
FROM unnest(%(ids)s::text[], %(keys)s::text[]) AS k (patient_id, result_key)
JOIN vigil_store.observation AS o ON o.patient_id = k.patient_id AND o.result_key = k.result_key
WHERE o.patient_id = ANY(%(ids)s::text[]) AND o.result_key = ANY(%(keys)s::text[]) AND o.superseded_at IS NULL

-- name: supersede
-- `times`: of the versions above. Without it an update unpacks every compressed row of these patients, without `ids` every row of the hospital.
UPDATE vigil_store.observation AS o SET superseded_at = %(now)s
FROM unnest(%(ids)s::text[], %(keys)s::text[]) AS k (patient_id, result_key)
WHERE o.patient_id = ANY(%(ids)s::text[]) AND o.observed_at = ANY(%(times)s::timestamptz[])
    AND o.patient_id = k.patient_id AND o.result_key = k.result_key AND o.superseded_at IS NULL
    AND EXISTS (
        SELECT FROM vigil_store.observation AS later
        WHERE later.patient_id = o.patient_id AND later.result_key = o.result_key
            AND (later.status <> 'preliminary', later.received_at, later.topic, later.partition, later."offset", later.ordinal)
                > (o.status <> 'preliminary', o.received_at, o.topic, o.partition, o."offset", o.ordinal)
    )

-- name: copy_messages
COPY vigil_store.message (topic, partition, "offset", feed, control_id, sent_by, message_type, received_at, processed_at, outcome, reason, patient_id,
    fingerprint) FROM STDIN (FORMAT BINARY)

-- name: copy_observations
COPY vigil_store.observation (patient_id, encounter_id, code, code_system, value_num, value_text, comparator, unit, canonical_code, canonical_num,
    canonical_unit, canonical_text, observed_at, received_at, status, result_key, flags, topic, partition, "offset", ordinal) FROM STDIN (FORMAT BINARY)

-- name: copy_orders
COPY vigil_store.clinical_order (patient_id, encounter_id, control, placer_number, filler_number, code, code_system, display, status, priority,
    ordered_at, received_at, topic, partition, "offset", ordinal) FROM STDIN (FORMAT BINARY)

-- name: copy_notes
COPY vigil_store.note (patient_id, encounter_id, document_id, parent_document_id, document_type, status, author, body, written_at, received_at,
    topic, partition, "offset", ordinal) FROM STDIN (FORMAT BINARY)
