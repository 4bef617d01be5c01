-- What people answered.

-- name: page_by_token
SELECT p.page_id, p.episode_id, p.tier, p.unit, e.bed, p.step, p.person, p.state, p.created_at, p.acknowledged_at, p.acknowledged_by, p.declined_by,
    e.state, e.reason, e.closed_at, e.bedside_by, e.outcome, e.outcome_action, e.outcome_by, e.owner,
    (SELECT string_agg(h.to_person, ', ' ORDER BY h.handover_id) FROM vigil_store.handover AS h WHERE h.episode_id = e.episode_id AND h.ended_at IS NULL),
    EXISTS (SELECT FROM vigil_store.handover AS h WHERE h.handover_id = p.handover_id AND h.to_person = p.person AND h.ended_at IS NULL),
    coalesce((SELECT s.explanation -> 'findings' FROM vigil_store.score AS s WHERE s.score_id = e.score_id LIMIT 1), '[]'::jsonb)
FROM vigil_store.page AS p JOIN vigil_store.episode AS e USING (episode_id) WHERE p.token = %(token)s OR p.page_id = %(token)s

-- name: lock_episode
-- All that an answer may change, in the order in which the worker's batch takes them (alerts/outbox.sql, open_episodes), so that neither waits for the other.
WITH held AS (
    SELECT e.episode_id, e.state, e.acknowledgements_needed FROM vigil_store.episode AS e
    WHERE e.episode_id = %(episode_id)s OR (
        e.closed_at IS NULL AND (
            e.grouped_in = %(episode_id)s OR e.patient_id = (SELECT o.patient_id FROM vigil_store.episode AS o WHERE o.episode_id = %(episode_id)s)
        )
    )
    ORDER BY e.episode_id
    FOR UPDATE
)
SELECT state, acknowledgements_needed FROM held WHERE episode_id = %(episode_id)s

-- name: put_answer
INSERT INTO vigil_store.answer (page_id, episode_id, kind, outcome, action, answered_at, answered_by, via)
VALUES (%(page_id)s, %(episode_id)s, %(kind)s, %(outcome)s, %(action)s, %(at)s, %(by)s, %(via)s)
ON CONFLICT DO NOTHING
RETURNING answer_id

-- name: acknowledged_by
-- A person counts once, however he calls himself on each of his pages.
SELECT count(DISTINCT coalesce(p.person, a.answered_by)) FROM vigil_store.answer AS a JOIN vigil_store.page AS p USING (page_id)
WHERE a.episode_id = %(episode_id)s AND a.kind = 'acknowledge'

-- name: acknowledge_episode
UPDATE vigil_store.episode SET state = 'acknowledged', next_step_at = NULL, next_reason = 'answered', owner = %(by)s, owned_since = %(at)s
WHERE (episode_id = %(episode_id)s OR grouped_in = %(episode_id)s) AND closed_at IS NULL AND state IN ('open', 'notified', 'muted') RETURNING episode_id

-- name: acknowledge_pages
UPDATE vigil_store.page SET acknowledged_at = %(at)s, acknowledged_by = %(by)s,
    state = CASE WHEN state = 'accepted' OR (page_id = %(page_id)s AND attempts > 0) THEN 'acknowledged' WHEN state = 'pending' THEN 'withdrawn' ELSE state END
WHERE episode_id = %(episode_id)s AND acknowledged_at IS NULL
    AND ((%(all)s AND state IN ('accepted', 'sending', 'pending')) OR page_id = %(page_id)s)
RETURNING page_id

-- name: decline
UPDATE vigil_store.page AS p SET declined_at = %(at)s, declined_by = %(by)s, passed_on = false,
    state = CASE WHEN p.state = 'pending' THEN 'withdrawn' ELSE p.state END
FROM vigil_store.page AS own
WHERE own.page_id = %(page_id)s AND p.episode_id = %(episode_id)s AND p.declined_at IS NULL AND p.acknowledged_at IS NULL
    AND (p.page_id = own.page_id OR (p.step = own.step AND p.person = own.person))
RETURNING p.page_id

-- name: arrive
UPDATE vigil_store.episode SET state = 'at_bedside', bedside_at = %(at)s, bedside_by = %(by)s, next_step_at = NULL, next_reason = 'answered'
WHERE episode_id = %(episode_id)s AND state IN ('open', 'notified', 'acknowledged') RETURNING episode_id

-- name: conclude
UPDATE vigil_store.episode SET outcome = %(outcome)s, outcome_action = %(action)s, outcome_at = %(at)s, outcome_by = %(by)s
WHERE episode_id = %(episode_id)s AND (outcome, outcome_action) IS DISTINCT FROM (%(outcome)s, %(action)s) RETURNING episode_id

-- name: notify
SELECT pg_notify('vigil_page', '')

-- name: awaiting_reply
SELECT p.page_id, p.channel, p.provider_ref, p.person, p.target
FROM vigil_store.page AS p JOIN vigil_store.episode AS e USING (episode_id)
WHERE p.state = 'accepted' AND p.channel = ANY(%(channels)s::text[]) AND p.provider_ref IS NOT NULL AND p.declined_at IS NULL
    AND e.closed_at IS NULL AND e.state IN ('open', 'notified') AND p.queued_at > now() - interval '2 hours'
ORDER BY p.queued_at DESC LIMIT %(limit)s
