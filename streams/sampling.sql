-- What `vigil watch` asks at each look.

-- name: progress
SELECT topic, partition, next_offset FROM vigil_store.progress

-- name: checked
SELECT v.topic, v.partition, v.verified, v.reached, count(m."offset"), count(DISTINCT m."offset")
FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(verified)s::bigint[], %(reached)s::bigint[]) AS v (topic, partition, verified, reached)
LEFT JOIN vigil_store.message AS m
    ON m.topic = v.topic AND m.partition = v.partition AND m."offset" >= v.verified AND m."offset" < v.reached
GROUP BY v.topic, v.partition, v.verified, v.reached

-- name: oldest_quarantined
SELECT min(received_at) FROM vigil.quarantine WHERE state = 'waiting'

-- name: heard
SELECT count(*) FROM vigil_store.message AS m
JOIN vigil_store.score AS s ON s.score_id = m.topic || '/' || m.partition || '/' || m."offset" || '/news2' AND s.patient_id = %(patient_id)s
WHERE m.control_id = %(control_id)s AND m.sent_by = %(sent_by)s
