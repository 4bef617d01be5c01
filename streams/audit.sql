-- What `vigil audit` asks the database.

-- name: progress
SELECT topic, partition, next_offset FROM vigil_store.progress

-- name: counts
SELECT topic, partition, count(*) AS recorded, count(DISTINCT "offset") AS distinct_offsets, min("offset") AS first, max("offset") AS last,
    count(*) FILTER (WHERE outcome IN ('stored', 'ignored')) AS stored,
    count(*) FILTER (WHERE outcome = 'duplicate') AS duplicate,
    count(*) FILTER (WHERE outcome = 'quarantined') AS quarantined
FROM vigil_store.message GROUP BY topic, partition
