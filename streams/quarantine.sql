-- What `vigil quarantine` asks and writes.

-- name: list
SELECT topic, partition, "offset", feed, control_id, message_type, received_at, reason, state, decided_at, decided_by, note
FROM vigil.quarantine WHERE %(all)s OR state = 'waiting' ORDER BY received_at DESC, topic, partition, "offset" LIMIT %(limit)s

-- name: one
SELECT topic, partition, "offset", feed, control_id, message_type, received_at, reason, state, decided_at, decided_by, note
FROM vigil.quarantine WHERE topic = %(topic)s AND partition = %(partition)s AND "offset" = %(offset)s

-- name: decide
INSERT INTO vigil_store.quarantine_decision (topic, partition, "offset", decision, decided_at, decided_by, note)
VALUES (%(topic)s, %(partition)s, %(offset)s, %(decision)s, %(at)s, %(by)s, %(note)s)
ON CONFLICT (topic, partition, "offset") DO UPDATE SET decision = excluded.decision, decided_at = excluded.decided_at,
    decided_by = excluded.decided_by, note = excluded.note
