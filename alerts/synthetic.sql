-- The pages of patients nobody has.

-- name: page
SELECT p.page_id, p.state, p.accepted_at IS NOT NULL, p.acknowledged_at IS NOT NULL, coalesce(p.last_error, '')
FROM vigil_store.page AS p JOIN vigil_store.episode AS e USING (episode_id)
WHERE e.patient_id = %(patient_id)s AND e.closed_at IS NULL
ORDER BY (p.acknowledged_at IS NOT NULL) DESC, (p.accepted_at IS NOT NULL) DESC, p.created_at
LIMIT 1

-- name: end
UPDATE vigil_store.episode SET state = 'closed', closed_at = %(at)s, closed_because = 'synthetic'
WHERE closed_at IS NULL AND patient_id = %(patient_id)s AND vigil.is_synthetic(patient_id)
RETURNING episode_id

-- name: withdraw
UPDATE vigil_store.page SET state = 'withdrawn', leased_until = NULL, last_error = 'the trial is over'
WHERE episode_id = ANY(%(ids)s::text[]) AND state = 'pending'
