-- What going on without lost messages asks and writes.

-- name: lock_progress
SELECT next_offset FROM vigil_store.progress WHERE topic = %(topic)s AND partition = %(partition)s FOR UPDATE

-- name: move_progress
UPDATE vigil_store.progress SET next_offset = %(until)s, updated_at = now() WHERE topic = %(topic)s AND partition = %(partition)s

-- name: record
INSERT INTO vigil_store.message (topic, partition, "offset", received_at, processed_at, outcome, reason, fingerprint)
SELECT %(topic)s, %(partition)s, missing, %(now)s, %(now)s, 'ignored', %(reason)s, 0
FROM generate_series(%(first)s::bigint, %(until)s::bigint - 1) AS missing
