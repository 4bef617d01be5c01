-- What the benchmark of a cold start writes and fetches beside what the worker itself does.

-- name: persons
INSERT INTO vigil_store.patient (patient_id, birth_date, sex) SELECT unnest(%(ids)s::text[]), %(birth_date)s, %(sex)s

-- name: settle
-- As autovacuum leaves the tables of a hospital that has run for more than a minute.
VACUUM ANALYZE vigil_store.observation, vigil_store.event, vigil_store.patient, vigil_store.snapshot

-- name: forget_kept
DELETE FROM vigil_store.snapshot

-- name: kept
SELECT patient_id, state FROM vigil_store.snapshot WHERE patient_id = ANY(%(ids)s::text[])

-- name: observations
SELECT patient_id, code, code_system, value_num, value_text, comparator, unit, canonical_code, canonical_num, canonical_unit, canonical_text,
    observed_at, received_at, status, result_key
FROM vigil_store.observation WHERE patient_id = ANY(%(ids)s::text[]) AND observed_at > %(since)s
