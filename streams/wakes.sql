-- When patients are to be scored although no message comes.

-- name: held
-- Each row is locked before any episode, here as in `due`.
SELECT patient_id, due_at, anew FROM vigil_store.wake_up WHERE patient_id = ANY(%(ids)s::text[]) ORDER BY patient_id FOR UPDATE

-- name: waiting
SELECT DISTINCT partition FROM vigil_store.wake_up WHERE partition = ANY(%(partitions)s::int[]) AND due_at <= %(now)s

-- name: due
SELECT patient_id, due_at, anew, partition FROM vigil_store.wake_up
WHERE partition = ANY(%(partitions)s::int[]) AND due_at <= %(now)s
ORDER BY due_at, patient_id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED

-- name: set
INSERT INTO vigil_store.wake_up (patient_id, partition, due_at)
SELECT * FROM unnest(%(ids)s::text[], %(partitions)s::int[], %(dues)s::timestamptz[])
ON CONFLICT (patient_id) DO UPDATE SET partition = excluded.partition, due_at = excluded.due_at, anew = false

-- name: drop
DELETE FROM vigil_store.wake_up WHERE patient_id = ANY(%(ids)s::text[])

-- name: anew
-- Beside the partition of what was recorded last under the number, where its messages meet.
INSERT INTO vigil_store.wake_up (patient_id, partition, due_at, anew)
SELECT p.patient_id, o.partition, %(at)s, true
FROM unnest(%(ids)s::text[]) AS p (patient_id)
CROSS JOIN LATERAL (
    SELECT partition FROM vigil_store.observation AS x WHERE x.patient_id = p.patient_id ORDER BY x.observed_at DESC LIMIT 1
) AS o
ON CONFLICT (patient_id) DO UPDATE SET due_at = excluded.due_at, anew = true, partition = excluded.partition
