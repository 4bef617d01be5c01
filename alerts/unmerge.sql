-- A merge that is taken back, for what was open.

-- name: lock
SELECT FROM vigil_store.episode WHERE closed_at IS NULL AND patient_id IN (%(from_id)s, %(into_id)s) ORDER BY episode_id FOR UPDATE

-- name: numbers
SELECT patient_id FROM vigil_store.patient WHERE merged_into = %(from_id)s

-- name: since
SELECT max(since) FROM vigil_store.identity WHERE patient_id = %(from_id)s AND merged_into = %(into_id)s AND until = %(at)s

-- name: give_back
-- What was open before the merge, and what a message under one of these numbers opened since.
UPDATE vigil_store.episode AS e SET patient_id = %(from_id)s, recorded_as = nullif(e.recorded_as, %(from_id)s)
WHERE e.patient_id = %(into_id)s AND e.closed_at IS NULL
    AND NOT EXISTS (SELECT FROM vigil_store.episode AS o WHERE o.patient_id = %(from_id)s AND o.tier = e.tier AND o.closed_at IS NULL)
    AND (
        e.recorded_as = ANY(%(numbers)s::text[])
        OR (
            e.recorded_as IS NULL AND e.opened_at >= %(since)s AND e.score_id LIKE 'hl7.%%' AND EXISTS (
                SELECT FROM vigil_store.message AS m
                WHERE m.topic = split_part(e.score_id, '/', 1) AND m.partition = split_part(e.score_id, '/', 2)::int
                    AND m."offset" = split_part(split_part(e.score_id, '/', 3), '.', 1)::bigint AND m.patient_id = ANY(%(numbers)s::text[])
            )
        )
    )
RETURNING e.episode_id

-- name: reopen
-- What the merge ended because the other had the same tier open: as it stood, for whoever had it.
UPDATE vigil_store.episode AS e SET state = e.state_before, state_before = NULL, closed_at = NULL, closed_because = NULL,
    next_step_at = CASE WHEN e.state_before IN ('open', 'notified') THEN %(at)s ELSE e.next_step_at END,
    next_reason = CASE WHEN e.state_before IN ('open', 'notified') THEN 'unmerged' ELSE e.next_reason END
WHERE e.episode_id IN (
    SELECT DISTINCT ON (o.tier) o.episode_id FROM vigil_store.episode AS o
    WHERE o.patient_id = %(from_id)s AND o.state = 'merged' AND o.closed_because = 'merged' AND o.state_before IS NOT NULL AND o.closed_at >= %(since)s
        AND NOT EXISTS (SELECT FROM vigil_store.episode AS x WHERE x.patient_id = o.patient_id AND x.tier = o.tier AND x.closed_at IS NULL)
    ORDER BY o.tier, o.closed_at DESC
) AND EXISTS (SELECT FROM vigil_store.encounter AS n WHERE n.patient_id = %(from_id)s AND n.status = 'open')
RETURNING e.episode_id

-- name: send_again
-- Pages that the merge took back before any provider had them.
UPDATE vigil_store.page SET state = 'pending', last_error = NULL, queued_at = now(), next_attempt_at = now()
WHERE episode_id = ANY(%(ids)s::text[]) AND state = 'withdrawn' AND last_error = 'merged'

-- name: give_back_mutes
UPDATE vigil_store.mute SET patient_id = %(from_id)s, recorded_as = nullif(recorded_as, %(from_id)s)
WHERE patient_id = %(into_id)s AND recorded_as = ANY(%(numbers)s::text[])

-- name: notify
SELECT pg_notify('vigil_page', '')
