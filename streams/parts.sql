-- Parts of messages that come in several (streams/parts.py).

-- name: keep
INSERT INTO vigil_store.message_part (topic, partition, "offset", received_at, taken_at, origin, follows, pointer, feed, control_id, sent_by, message_type, body)
VALUES (%(topic)s, %(partition)s, %(offset)s, %(received_at)s, %(now)s, %(origin)s, %(follows)s, %(pointer)s, %(feed)s, %(control_id)s, %(sent_by)s, %(type)s, %(body)s)

-- name: of_origin
-- The newest: a sender that never ends what it begins may not make every part dearer than the one before.
SELECT topic, partition, "offset", received_at, follows, pointer FROM (
    SELECT * FROM vigil_store.message_part WHERE origin = %(origin)s ORDER BY taken_at DESC LIMIT 2000
) AS p ORDER BY taken_at, received_at, topic, partition, "offset"

-- name: bodies
SELECT p.body FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[], %(received)s::timestamptz[])
    WITH ORDINALITY AS k (topic, partition, "offset", received_at, number)
JOIN vigil_store.message_part AS p USING (topic, partition, "offset", received_at) ORDER BY k.number

-- name: tell
-- What became of parts that were recorded as waiting.
UPDATE vigil_store.message AS m SET outcome = %(outcome)s, reason = %(reason)s, processed_at = %(now)s
FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[], %(received)s::timestamptz[]) AS k (topic, partition, "offset", received_at)
WHERE m.topic = k.topic AND m.partition = k.partition AND m."offset" = k."offset" AND m.received_at = k.received_at

-- name: forget
DELETE FROM vigil_store.message_part AS p
USING unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[], %(received)s::timestamptz[]) AS k (topic, partition, "offset", received_at)
WHERE p.topic = k.topic AND p.partition = k.partition AND p."offset" = k."offset" AND p.received_at = k.received_at

-- name: given_up
-- Each is taken by one worker; they stay, so that the rest may still come.
UPDATE vigil_store.message_part SET given_up_at = %(now)s
WHERE (topic, partition, "offset", received_at) IN (
    SELECT topic, partition, "offset", received_at FROM vigil_store.message_part WHERE given_up_at IS NULL AND taken_at < %(before)s
    ORDER BY taken_at LIMIT 100 FOR UPDATE SKIP LOCKED
)
RETURNING topic, partition, "offset", received_at, feed, control_id, sent_by, body

-- name: set_aside
UPDATE vigil_store.message_part AS p SET given_up_at = %(now)s
FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[], %(received)s::timestamptz[]) AS k (topic, partition, "offset", received_at)
WHERE p.topic = k.topic AND p.partition = k.partition AND p."offset" = k."offset" AND p.received_at = k.received_at

-- name: bury
DELETE FROM vigil_store.message_part WHERE given_up_at < %(before)s
