-- What ends by time alone.

-- name: unmute
UPDATE vigil_store.episode AS e SET state = 'open', next_step_at = %(now)s, next_reason = 'unmuted'
FROM (
    SELECT o.episode_id FROM vigil_store.episode AS o
    WHERE o.state = 'muted' AND o.closed_at IS NULL
        AND NOT EXISTS (SELECT FROM vigil_store.mute AS m WHERE m.patient_id = o.patient_id AND m.lifted_at IS NULL AND m.until > %(now)s)
    LIMIT %(limit)s
    FOR UPDATE OF o SKIP LOCKED
) AS due
WHERE e.episode_id = due.episode_id

-- name: put_off
UPDATE vigil_store.episode AS e SET expires_at = due.scored_at + e.expire_after
FROM (
    SELECT o.episode_id, (
        SELECT max(s.scored_at) FROM vigil_store.score AS s
        WHERE s.patient_id = o.patient_id AND s.scored_at > %(now)s - o.expire_after AND s.score_id NOT LIKE 'wake/%%' -- by time alone: nobody measured
    ) AS scored_at
    FROM vigil_store.episode AS o
    WHERE o.closed_at IS NULL AND o.expires_at <= %(now)s
    LIMIT %(limit)s
    FOR UPDATE OF o SKIP LOCKED
) AS due
WHERE e.episode_id = due.episode_id AND due.scored_at IS NOT NULL

-- name: expire
UPDATE vigil_store.episode AS e SET state = CASE WHEN e.alerts > 1 THEN 'resolved' ELSE 'expired' END, closed_at = %(now)s,
    closed_because = CASE WHEN e.alerts > 1 THEN 'storm_over' ELSE 'silent' END
FROM (
    SELECT o.episode_id FROM vigil_store.episode AS o
    WHERE o.closed_at IS NULL AND o.expires_at <= %(now)s
        AND NOT EXISTS (
            SELECT FROM vigil_store.score AS s
            WHERE s.patient_id = o.patient_id AND s.scored_at > %(now)s - o.expire_after AND s.score_id NOT LIKE 'wake/%%'
        )
    LIMIT %(limit)s
    FOR UPDATE OF o SKIP LOCKED
) AS due
WHERE e.episode_id = due.episode_id
RETURNING e.episode_id

-- name: withdraw
UPDATE vigil_store.page SET state = 'withdrawn', leased_until = NULL, last_error = 'expired' WHERE episode_id = %(episode_id)s AND state = 'pending'
