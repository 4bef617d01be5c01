-- What the sequence model carries of each patient, and what tells whether that still holds.

-- name: standing
-- Of each of these patients: whether anything was recorded before, how often others' messages changed the patient, and what is kept but for its large part.
SELECT a.patient_id, p.patient_id IS NOT NULL, coalesce(p.disturbed, 0), c.disturbed, c.before_at, c.opened_at, c.at, c.step
FROM unnest(%(ids)s::text[]) AS a (patient_id)
LEFT JOIN vigil_store.patient AS p ON p.patient_id = a.patient_id
LEFT JOIN vigil_store.carried AS c ON c.patient_id = a.patient_id AND c.version = %(version)s

-- name: before
SELECT patient_id, before FROM vigil_store.carried WHERE patient_id = ANY(%(ids)s::text[]) AND version = %(version)s

-- name: measured
-- Of these patients, and of whoever was merged into them, those of whom any quantity was ever recorded.
SELECT a.patient_id FROM unnest(%(ids)s::text[]) AS a (patient_id)
WHERE EXISTS (SELECT FROM vigil_store.observation AS o WHERE o.patient_id = a.patient_id)
    OR EXISTS (SELECT FROM vigil_store.patient AS p WHERE p.merged_into = a.patient_id)

-- name: open
INSERT INTO vigil_store.carried (patient_id, version, disturbed, before_at, opened_at, at, step, before)
SELECT patient_id, %(version)s, disturbed, before_at, opened_at, at, step, before FROM unnest(
    %(ids)s::text[], %(disturbed)s::bigint[], %(befores_at)s::timestamptz[], %(opened_at)s::timestamptz[], %(at)s::timestamptz[],
    %(steps)s::bytea[], %(befores)s::bytea[]
) AS k (patient_id, disturbed, before_at, opened_at, at, step, before)
ON CONFLICT (patient_id, version) DO UPDATE SET disturbed = excluded.disturbed, before_at = excluded.before_at, opened_at = excluded.opened_at,
    at = excluded.at, step = excluded.step, before = excluded.before

-- name: go_on
UPDATE vigil_store.carried AS c SET at = k.at, step = k.step
FROM unnest(%(ids)s::text[], %(at)s::timestamptz[], %(steps)s::bytea[]) AS k (patient_id, at, step)
WHERE c.patient_id = k.patient_id AND c.version = %(version)s

-- name: drop
DELETE FROM vigil_store.carried WHERE patient_id = ANY(%(ids)s::text[])
