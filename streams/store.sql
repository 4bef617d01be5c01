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

-- name: known_messages
SELECT fingerprint, NULL, NULL FROM vigil_store.message
WHERE fingerprint = ANY(%(fingerprints)s::bigint[]) AND received_at > %(since)s AND outcome <> 'quarantined'
UNION ALL
SELECT fingerprint, sent_by, control_id FROM vigil_store.message
WHERE control_id = ANY(%(control_ids)s::text[]) AND sent_by = ANY(%(senders)s::text[]) AND received_at > %(since)s

-- name: aliases
-- Three probes of an index each; written with OR, all that were ever merged would be read.
SELECT patient_id, merged_into, disturbed FROM vigil_store.patient
WHERE patient_id = ANY(%(ids)s::text[]) AND (merged_into IS NOT NULL OR disturbed > 0)
UNION
SELECT patient_id, merged_into, disturbed FROM vigil_store.patient WHERE merged_into = ANY(%(ids)s::text[])
UNION
SELECT patient_id, merged_into, disturbed FROM vigil_store.patient
WHERE merged_into IN (SELECT merged_into FROM vigil_store.patient WHERE patient_id = ANY(%(ids)s::text[]) AND merged_into IS NOT NULL)

-- name: lock_survivors
SELECT pg_advisory_xact_lock(hashtextextended(patient_id, 7106116563)) FROM unnest(%(ids)s::text[]) AS s (patient_id) ORDER BY patient_id

-- name: note_move
INSERT INTO vigil_store.moved_visit (from_id, from_encounter_id, into_id, encounter_id, at)
VALUES (%(from_id)s, %(from_encounter_id)s, %(into_id)s, %(encounter_id)s, %(at)s)
ON CONFLICT (from_id, from_encounter_id) DO UPDATE SET into_id = excluded.into_id, encounter_id = excluded.encounter_id, at = excluded.at

-- name: forget_move
DELETE FROM vigil_store.moved_visit WHERE from_id = ANY(%(ids)s::text[]) AND from_encounter_id = %(encounter_id)s

-- name: moved_visits
SELECT from_id, from_encounter_id, into_id, encounter_id FROM vigil_store.moved_visit WHERE from_id = ANY(%(ids)s::text[])

-- name: unlike
-- Of records that lie behind the progress those that are not what was recorded there: Kafka has lost its log and begun again.
SELECT r.topic, r.partition, min(r."offset")
FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[], %(fingerprints)s::bigint[]) AS r (topic, partition, "offset", fingerprint)
JOIN vigil_store.message AS m ON m.topic = r.topic AND m.partition = r.partition AND m."offset" = r."offset"
GROUP BY r.topic, r.partition, r."offset"
HAVING bool_and(m.fingerprint <> r.fingerprint)
ORDER BY 1, 2, 3

-- name: set_back
UPDATE vigil_store.progress SET next_offset = %(offset)s, updated_at = now() WHERE topic = %(topic)s AND partition = %(partition)s

-- name: merge_patient
INSERT INTO vigil_store.patient (patient_id, merged_into, merged_at) VALUES (%(from_id)s, %(into_id)s, %(at)s)
ON CONFLICT (patient_id) DO UPDATE SET merged_into = excluded.merged_into, merged_at = excluded.merged_at

-- name: flatten_merges
UPDATE vigil_store.patient SET merged_into = %(into_id)s WHERE merged_into = %(from_id)s AND patient_id <> %(into_id)s

-- name: note_merge
-- Who was whom, and through whom, for ever: a row ends when another begins.
WITH ended AS (
    UPDATE vigil_store.identity SET until = %(at)s WHERE merged_into = %(from_id)s AND until IS NULL RETURNING patient_id
)
INSERT INTO vigil_store.identity (patient_id, merged_into, via, since)
SELECT patient_id, %(into_id)s, %(from_id)s, %(at)s FROM ended WHERE patient_id <> %(into_id)s
UNION ALL
SELECT %(from_id)s, %(into_id)s, NULL, %(at)s

-- name: end_own_merge
UPDATE vigil_store.identity SET until = %(at)s WHERE patient_id = %(into_id)s AND until IS NULL

-- name: surviving_patient
INSERT INTO vigil_store.patient (patient_id) VALUES (%(into_id)s)
ON CONFLICT (patient_id) DO UPDATE SET merged_into = NULL, merged_at = NULL

-- name: load_patients
SELECT patient_id, birth_date, sex, person_at FROM vigil_store.patient WHERE patient_id = ANY(%(ids)s::text[])

-- name: load_events
-- Of updates and of visits seen only one a visit says anything (streams/movements.py); a patient may have hundreds of updates.
SELECT e.patient_id, e.occurred_at, e.received_at, e.detail
FROM unnest(%(ids)s::text[]) AS p (patient_id)
CROSS JOIN LATERAL (
    (
        SELECT * FROM vigil_store.event AS x
        WHERE x.patient_id = p.patient_id AND x.kind IN ('admit', 'transfer', 'discharge', 'cancel', 'merge_visit') AND x.withdrawn_at IS NULL
        ORDER BY x.occurred_at DESC, x.received_at DESC LIMIT %(movements)s
    )
    UNION ALL
    (
        SELECT DISTINCT ON (x.detail #>> '{visit,encounter_id}') * FROM vigil_store.event AS x
        WHERE x.patient_id = p.patient_id AND x.kind = 'update' AND x.withdrawn_at IS NULL
            AND (x.detail #>> '{visit,patient_class}' IS NOT NULL OR x.detail #>> '{visit,admitted_at}' IS NOT NULL)
        ORDER BY x.detail #>> '{visit,encounter_id}', x.occurred_at DESC, x.received_at DESC
    )
    UNION ALL
    (
        SELECT DISTINCT ON (x.detail #>> '{visit,encounter_id}') * FROM vigil_store.event AS x
        WHERE x.patient_id = p.patient_id AND x.kind = 'seen' AND x.withdrawn_at IS NULL
        ORDER BY x.detail #>> '{visit,encounter_id}', x.occurred_at, x.received_at
    )
    UNION ALL
    (
        SELECT * FROM vigil_store.event AS x WHERE x.patient_id = p.patient_id AND x.kind = 'code_status' AND x.withdrawn_at IS NULL
        ORDER BY x.occurred_at DESC, x.received_at DESC LIMIT 8
    )
    UNION ALL
    (
        SELECT * FROM vigil_store.event AS x
        WHERE x.patient_id = p.patient_id AND x.kind = 'medication' AND x.withdrawn_at IS NULL AND x.detail ->> 'therapy' IS NOT NULL
        ORDER BY x.occurred_at DESC, x.received_at DESC LIMIT 500
    )
) AS e
ORDER BY e.received_at, e.topic, e.partition, e."offset", e.ordinal

-- name: load_observations
SELECT o.patient_id, o.code, o.code_system, o.value_num, o.value_text, o.comparator, o.unit, o.canonical_code, o.canonical_num,
    o.canonical_unit, o.canonical_text, o.observed_at, o.received_at, o.status, o.result_key
FROM unnest(%(ids)s::text[]) AS p (patient_id)
CROSS JOIN LATERAL (
    SELECT * FROM vigil_store.observation AS x
    WHERE x.patient_id = p.patient_id AND x.superseded_at IS NULL
        AND x.observed_at > (SELECT max(y.observed_at) FROM vigil_store.observation AS y WHERE y.patient_id = p.patient_id) - %(window)s::interval
    UNION ALL
    SELECT * FROM vigil_store.observation AS x
    WHERE x.patient_id = p.patient_id AND x.superseded_at IS NULL AND x.canonical_code = ANY(%(longer)s::text[])
        AND x.observed_at <= (SELECT max(y.observed_at) FROM vigil_store.observation AS y WHERE y.patient_id = p.patient_id) - %(window)s::interval
        AND x.observed_at > (SELECT max(y.observed_at) FROM vigil_store.observation AS y WHERE y.patient_id = p.patient_id) - %(longest)s::interval
) AS o
ORDER BY o.received_at, o.topic, o.partition, o."offset", o.ordinal

-- name: upsert_patients
INSERT INTO vigil_store.patient (patient_id, birth_date, sex, person_at)
SELECT * FROM unnest(%(ids)s::text[], %(birth_dates)s::date[], %(sexes)s::text[], %(persons_at)s::timestamptz[])
ON CONFLICT (patient_id) DO UPDATE SET birth_date = excluded.birth_date, sex = excluded.sex, person_at = excluded.person_at

-- name: upsert_encounters
INSERT INTO vigil_store.encounter (patient_id, encounter_id, unit, bed, class, admitted_at, located_at, discharged_at, status, touched_at)
SELECT *, %(now)s FROM unnest(
    %(patient_ids)s::text[], %(encounter_ids)s::text[], %(units)s::text[], %(beds)s::text[], %(classes)s::text[],
    %(admitted)s::timestamptz[], %(located)s::timestamptz[], %(discharged)s::timestamptz[], %(statuses)s::text[]
)
ON CONFLICT (patient_id, encounter_id) DO UPDATE SET
    unit = excluded.unit, bed = excluded.bed, class = excluded.class, admitted_at = excluded.admitted_at, located_at = excluded.located_at,
    discharged_at = excluded.discharged_at, status = excluded.status, touched_at = excluded.touched_at

-- name: delete_encounters
DELETE FROM vigil_store.encounter AS e USING unnest(%(patient_ids)s::text[], %(encounter_ids)s::text[]) AS g (patient_id, encounter_id)
WHERE e.patient_id = g.patient_id AND e.encounter_id = g.encounter_id

-- name: delete_stays
DELETE FROM vigil_store.stay AS s USING unnest(%(patient_ids)s::text[], %(encounter_ids)s::text[]) AS g (patient_id, encounter_id)
WHERE s.patient_id = g.patient_id AND s.encounter_id = g.encounter_id

-- name: insert_stays
INSERT INTO vigil_store.stay (patient_id, encounter_id, unit, bed, since, until)
SELECT * FROM unnest(
    %(patient_ids)s::text[], %(encounter_ids)s::text[], %(units)s::text[], %(beds)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[]
)
ON CONFLICT DO NOTHING

-- name: disturb
INSERT INTO vigil_store.patient (patient_id, disturbed) SELECT unnest(%(ids)s::text[]), 1
ON CONFLICT (patient_id) DO UPDATE SET disturbed = vigil_store.patient.disturbed + 1

-- name: move_observations
INSERT INTO vigil_store.observation (patient_id, encounter_id, code, code_system, value_num, value_text, comparator, unit, canonical_code, canonical_num,
    canonical_unit, canonical_text, observed_at, received_at, status, result_key, flags, superseded_at, topic, partition, "offset", ordinal)
SELECT %(into_id)s, %(encounter_id)s, code, code_system, value_num, value_text, comparator, unit, canonical_code, canonical_num,
    canonical_unit, canonical_text, observed_at, %(at)s, status, result_key, flags, superseded_at, topic, partition, "offset", ordinal
FROM vigil_store.observation WHERE patient_id = ANY(%(from_ids)s::text[]) AND encounter_id = %(from_encounter_id)s AND withdrawn_at IS NULL
ON CONFLICT (patient_id, observed_at, topic, partition, "offset", ordinal) DO UPDATE SET withdrawn_at = NULL, received_at = excluded.received_at,
    superseded_at = excluded.superseded_at, encounter_id = excluded.encounter_id

-- name: move_events
INSERT INTO vigil_store.event (patient_id, encounter_id, kind, code, code_system, display, occurred_at, received_at, detail, topic, partition, "offset", ordinal)
SELECT %(into_id)s, %(encounter_id)s, kind, code, code_system, display, occurred_at, %(at)s,
    CASE WHEN detail #>> '{visit,encounter_id}' IS NULL THEN detail ELSE jsonb_set(detail, '{visit,encounter_id}', to_jsonb(%(encounter_id)s::text)) END,
    topic, partition, "offset", ordinal
FROM vigil_store.event WHERE patient_id = ANY(%(from_ids)s::text[]) AND encounter_id = %(from_encounter_id)s AND withdrawn_at IS NULL
ON CONFLICT (patient_id, occurred_at, topic, partition, "offset", ordinal) DO UPDATE SET withdrawn_at = NULL, received_at = excluded.received_at,
    detail = excluded.detail, encounter_id = excluded.encounter_id

-- name: note_moved
INSERT INTO vigil_store.moved_record (kind, topic, partition, "offset", ordinal, from_id, from_encounter_id, until)
SELECT 'order', topic, partition, "offset", ordinal, patient_id, encounter_id, %(at)s FROM vigil_store.clinical_order
WHERE patient_id = ANY(%(from_ids)s::text[]) AND encounter_id = %(from_encounter_id)s
UNION ALL
SELECT 'note', topic, partition, "offset", ordinal, patient_id, encounter_id, %(at)s FROM vigil_store.note
WHERE patient_id = ANY(%(from_ids)s::text[]) AND encounter_id = %(from_encounter_id)s

-- name: move_orders
UPDATE vigil_store.clinical_order SET patient_id = %(into_id)s, encounter_id = %(encounter_id)s
WHERE patient_id = ANY(%(from_ids)s::text[]) AND encounter_id = %(from_encounter_id)s

-- name: move_notes
UPDATE vigil_store.note SET patient_id = %(into_id)s, encounter_id = %(encounter_id)s
WHERE patient_id = ANY(%(from_ids)s::text[]) AND encounter_id = %(from_encounter_id)s

-- name: withdraw_observations
UPDATE vigil_store.observation SET withdrawn_at = %(at)s, superseded_at = coalesce(superseded_at, %(now)s)
WHERE patient_id = ANY(%(from_ids)s::text[]) AND encounter_id = %(from_encounter_id)s AND withdrawn_at IS NULL

-- name: withdraw_events
UPDATE vigil_store.event SET withdrawn_at = %(at)s
WHERE patient_id = ANY(%(from_ids)s::text[]) AND encounter_id = %(from_encounter_id)s AND withdrawn_at IS NULL

-- name: drop_visit
WITH stays AS (DELETE FROM vigil_store.stay WHERE patient_id = ANY(%(from_ids)s::text[]) AND encounter_id = %(from_encounter_id)s)
DELETE FROM vigil_store.encounter WHERE patient_id = ANY(%(from_ids)s::text[]) AND encounter_id = %(from_encounter_id)s

-- name: unmerge
UPDATE vigil_store.patient SET merged_into = NULL, merged_at = NULL WHERE patient_id = %(from_id)s AND merged_into IS NOT NULL RETURNING patient_id

-- name: end_merge
UPDATE vigil_store.identity SET until = %(at)s WHERE patient_id = %(from_id)s AND until IS NULL

-- name: came_through
WITH ended AS (
    UPDATE vigil_store.identity SET until = %(at)s WHERE merged_into = %(into_id)s AND via = %(from_id)s AND until IS NULL RETURNING patient_id
), pointed AS (
    UPDATE vigil_store.patient SET merged_into = %(from_id)s, merged_at = %(at)s WHERE patient_id IN (SELECT patient_id FROM ended)
)
INSERT INTO vigil_store.identity (patient_id, merged_into, via, since) SELECT patient_id, %(from_id)s, NULL, %(at)s FROM ended

-- name: merged_into
SELECT merged_into FROM vigil_store.patient WHERE patient_id = %(from_id)s AND merged_into IS NOT NULL

-- name: recorded_as
SELECT patient_id, merged_at FROM vigil_store.patient WHERE merged_into = %(patient_id)s ORDER BY merged_at

-- name: drop_visits
WITH stays AS (DELETE FROM vigil_store.stay WHERE patient_id = ANY(%(ids)s::text[]))
DELETE FROM vigil_store.encounter WHERE patient_id = ANY(%(ids)s::text[])

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
-- The lines of one result in one message are one version of it, and stay together.
-- `heads`: the patient whom a recorded number means today, so that a correction under the one number replaces what came under the other.
UPDATE vigil_store.observation AS o SET superseded_at = %(now)s
FROM unnest(%(ids)s::text[], %(keys)s::text[], %(heads)s::text[]) AS k (patient_id, result_key, head)
WHERE o.patient_id = ANY(%(ids)s::text[]) AND o.observed_at = ANY(%(times)s::timestamptz[])
    AND o.patient_id = k.patient_id AND o.result_key = k.result_key AND o.superseded_at IS NULL
    AND EXISTS (
        SELECT FROM unnest(%(ids)s::text[], %(keys)s::text[], %(heads)s::text[]) AS g (patient_id, result_key, head)
        JOIN vigil_store.observation AS later ON later.patient_id = g.patient_id AND later.result_key = g.result_key
        WHERE g.head = k.head AND g.result_key = k.result_key AND later.withdrawn_at IS NULL
            AND (later.status <> 'preliminary', later.received_at, later.topic, later.partition, later."offset")
                > (o.status <> 'preliminary', o.received_at, o.topic, o.partition, o."offset")
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
COPY vigil_store.note (patient_id, encounter_id, document_id, parent_document_id, document_type, status, author, body, action, authenticated_by, written_at, received_at,
    topic, partition, "offset", ordinal) FROM STDIN (FORMAT BINARY)

-- name: copy_events
COPY vigil_store.event (patient_id, encounter_id, kind, code, code_system, display, occurred_at, received_at, detail, topic, partition, "offset",
    ordinal) FROM STDIN (FORMAT BINARY)
