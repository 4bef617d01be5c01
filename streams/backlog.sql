-- What putting a backlog aside, and filling it in, asks and writes.

-- name: put_aside
INSERT INTO vigil_store.backlog (topic, partition, next_offset, until_offset)
SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(from)s::bigint[], %(until)s::bigint[])

-- name: move_progress
UPDATE vigil_store.progress AS p SET next_offset = n.until_offset, updated_at = now()
FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(until)s::bigint[]) AS n (topic, partition, until_offset)
WHERE p.topic = n.topic AND p.partition = n.partition

-- name: ranges
SELECT topic, partition, next_offset, until_offset FROM vigil_store.backlog ORDER BY put_aside_at DESC, topic, partition, until_offset DESC

-- name: lock_range
SELECT next_offset FROM vigil_store.backlog WHERE topic = %(topic)s AND partition = %(partition)s AND until_offset = %(until)s FOR UPDATE

-- name: finish_range
DELETE FROM vigil_store.backlog WHERE topic = %(topic)s AND partition = %(partition)s AND until_offset = %(until)s AND next_offset = %(expected)s

-- name: advance_range
UPDATE vigil_store.backlog SET next_offset = %(next)s
WHERE topic = %(topic)s AND partition = %(partition)s AND until_offset = %(until)s AND next_offset = %(expected)s
