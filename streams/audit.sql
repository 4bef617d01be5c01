-- What `vigil audit` asks the database.

-- name: progress
SELECT topic, partition, next_offset FROM vigil_store.progress

-- name: counts
SELECT topic, partition, count(*) AS recorded, count(DISTINCT "offset") AS distinct_offsets, min("offset") AS first, max("offset") AS last,
    count(*) FILTER (WHERE outcome IN ('stored', 'ignored')) AS stored,
    count(*) FILTER (WHERE outcome = 'duplicate') AS duplicate,
    count(*) FILTER (WHERE outcome = 'quarantined') AS quarantined
FROM vigil_store.message AS m
JOIN unnest(%(topics)s::text[], %(partitions)s::int[], %(since)s::bigint[]) AS s (topic, partition, since) USING (topic, partition)
WHERE m."offset" >= s.since
GROUP BY topic, partition
