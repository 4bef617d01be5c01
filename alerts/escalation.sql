-- What decides whether an episode needs another step, and what a step writes.

-- name: troubled
SELECT DISTINCT p.episode_id
FROM vigil_store.page AS p JOIN vigil_store.episode AS e USING (episode_id)
WHERE NOT p.passed_on AND p.handover_id IS NULL AND e.closed_at IS NULL AND e.state IN ('open', 'notified')
    AND (p.state = 'failed' OR p.declined_at IS NOT NULL OR (p.state IN ('pending', 'sending') AND p.first_failed_at <= now() - %(fallback)s::interval))
LIMIT %(limit)s

-- name: forget
UPDATE vigil_store.page AS p SET passed_on = true
FROM (
    SELECT o.page_id FROM vigil_store.page AS o JOIN vigil_store.episode AS e USING (episode_id)
    WHERE NOT o.passed_on AND (o.state = 'failed' OR o.declined_at IS NOT NULL) AND (e.closed_at IS NOT NULL OR e.state NOT IN ('open', 'notified'))
    FOR UPDATE OF o SKIP LOCKED
) AS over
WHERE p.page_id = over.page_id

-- name: due
SELECT episode_id FROM vigil_store.episode
WHERE closed_at IS NULL AND state IN ('open', 'notified') AND next_step_at IS NOT NULL AND (next_step_at <= %(now)s OR step_at > %(now)s)
ORDER BY CASE tier WHEN 'rapid_response' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END, next_step_at
LIMIT %(limit)s

-- name: lock
SELECT e.episode_id, e.tier, e.state, e.step, coalesce(e.step_at, e.opened_at), e.risen, e.received_at,
    coalesce((SELECT n.unit FROM vigil_store.encounter AS n WHERE n.patient_id = e.patient_id AND n.encounter_id = e.encounter_id AND n.status = 'open'), e.unit),
    EXISTS (
        SELECT FROM vigil_store.episode AS o
        WHERE o.patient_id = e.patient_id AND o.closed_at IS NULL
            AND CASE o.tier WHEN 'rapid_response' THEN 2 WHEN 'urgent' THEN 1 ELSE 0 END > CASE e.tier WHEN 'rapid_response' THEN 2 WHEN 'urgent' THEN 1 ELSE 0 END
    ),
    e.patient_id, e.encounter_id
FROM vigil_store.episode AS e
WHERE e.episode_id = %(episode_id)s AND e.closed_at IS NULL
FOR UPDATE OF e SKIP LOCKED

-- name: tried
SELECT step, person, channel, target,
    acknowledged_at IS NULL AND (state IN ('failed', 'withdrawn') OR (state IN ('pending', 'sending') AND coalesce(first_failed_at <= now() - %(fallback)s::interval, false))),
    declined_at IS NOT NULL, acknowledged_at IS NOT NULL
FROM vigil_store.page WHERE episode_id = %(episode_id)s AND handover_id IS NULL ORDER BY created_at, page_id

-- name: moved
UPDATE vigil_store.episode SET step = %(step)s, step_at = %(step_at)s, next_step_at = %(next_step_at)s, next_reason = %(next_reason)s,
    risen = %(risen)s, acknowledgements_needed = %(needed)s
WHERE episode_id = %(episode_id)s

-- name: passed_on
UPDATE vigil_store.page SET passed_on = true
WHERE episode_id = %(episode_id)s AND NOT passed_on
    AND (state = 'failed' OR declined_at IS NOT NULL OR (state IN ('pending', 'sending') AND first_failed_at <= now() - %(fallback)s::interval))

-- name: duties
SELECT duty_id::text, team, person, instead_of, starts_at, ends_at, source FROM vigil_store.duty
WHERE ends_at > %(since)s AND starts_at < %(until)s ORDER BY vigil_store.duty.duty_id

-- name: put_duty
INSERT INTO vigil_store.duty (team, person, instead_of, starts_at, ends_at, source, made_at, made_by)
VALUES (%(team)s, %(person)s, %(instead_of)s, %(starts_at)s, %(ends_at)s, %(source)s, %(at)s, %(by)s) RETURNING duty_id::text

-- name: drop_duty
DELETE FROM vigil_store.duty WHERE duty_id::text = %(duty_id)s RETURNING team

-- name: drop_imported
DELETE FROM vigil_store.duty WHERE team = ANY(%(teams)s::text[]) AND source = %(source)s
