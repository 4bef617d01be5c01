-- What the batch's transaction and the pager read and write of the alerts room.

-- name: open_episodes
SELECT episode_id, patient_id, encounter_id, tier, unit, bed, opened_at, state, reason, score_id, clearing_since, peak, policy_version, follows, input, grouped_in,
    step_at, greatest(owned_since, bedside_at, outcome_at), state IN ('open', 'notified') AND next_step_at IS NULL
FROM vigil_store.episode WHERE closed_at IS NULL AND patient_id = ANY(%(ids)s::text[])
ORDER BY episode_id
FOR UPDATE

-- name: open_episode
INSERT INTO vigil_store.episode (episode_id, patient_id, encounter_id, tier, unit, bed, opened_at, state, reason, score_id, received_at, clearing_since, peak,
    policy_version, follows, input, expires_at, expire_after)
VALUES (%(episode_id)s, %(patient_id)s, %(encounter_id)s, %(tier)s, %(unit)s, %(bed)s, %(opened_at)s, 'open', %(reason)s, %(score_id)s, %(received_at)s,
    %(clearing_since)s, %(peak)s, %(policy_version)s, %(follows)s, %(input)s, %(opened_at)s::timestamptz + %(expire_after)s, %(expire_after)s)
ON CONFLICT DO NOTHING
RETURNING episode_id

-- name: close_episode
UPDATE vigil_store.episode SET state = %(state)s, closed_at = %(at)s, closed_because = %(because)s, closed_policy_version = nullif(%(version)s, '')
WHERE episode_id = %(episode_id)s AND closed_at IS NULL

-- name: withdraw_pages
UPDATE vigil_store.page SET state = 'withdrawn', leased_until = NULL, last_error = %(because)s
WHERE episode_id = %(episode_id)s AND state = 'pending'

-- name: mark
UPDATE vigil_store.episode SET clearing_since = %(clearing_since)s, peak = %(peak)s, unit = %(unit)s, bed = %(bed)s WHERE episode_id = %(episode_id)s

-- name: earlier_scores
SELECT as_of, at_least, red FROM vigil_store.score
WHERE patient_id = %(patient_id)s AND name = %(name)s AND mode <> 'shadow' AND scored_at > %(since)s AND score_id <> ALL(%(but)s::text[])
ORDER BY scored_at DESC, as_of DESC LIMIT %(limit)s

-- name: last_ended
SELECT DISTINCT ON (tier) tier, split_part(reason, ' ', 1), closed_at, peak FROM vigil_store.episode
WHERE patient_id = %(patient_id)s AND state = 'resolved' AND closed_at > %(since)s
ORDER BY tier, closed_at DESC

-- name: lock_both
-- In the order of every other transaction over several episodes.
SELECT FROM vigil_store.episode WHERE closed_at IS NULL AND patient_id IN (%(from_id)s, %(into_id)s) ORDER BY episode_id FOR UPDATE

-- name: adopt_episodes
UPDATE vigil_store.episode AS e SET patient_id = %(into_id)s, recorded_as = coalesce(e.recorded_as, e.patient_id)
WHERE e.patient_id = %(from_id)s AND e.closed_at IS NULL
    AND NOT EXISTS (SELECT FROM vigil_store.episode AS o WHERE o.patient_id = %(into_id)s AND o.tier = e.tier AND o.closed_at IS NULL)

-- name: adopt_visit
UPDATE vigil_store.episode AS e SET patient_id = %(into_id)s, encounter_id = %(encounter_id)s
WHERE e.patient_id = %(from_id)s AND e.encounter_id = %(from_encounter_id)s AND e.closed_at IS NULL
    AND NOT EXISTS (SELECT FROM vigil_store.episode AS o WHERE o.patient_id = %(into_id)s AND o.tier = e.tier AND o.closed_at IS NULL)

-- name: close_moved
UPDATE vigil_store.episode SET state = 'merged', closed_at = %(at)s, closed_because = 'moved'
WHERE patient_id = %(from_id)s AND encounter_id = %(from_encounter_id)s AND closed_at IS NULL
RETURNING episode_id

-- name: close_merged
UPDATE vigil_store.episode SET state_before = state, state = 'merged', closed_at = %(at)s, closed_because = 'merged'
WHERE patient_id = %(from_id)s AND closed_at IS NULL
RETURNING episode_id

-- name: put_page
INSERT INTO vigil_store.page (page_id, dedup_key, episode_id, tier, unit, step, person, channel, target, state, token, created_at, received_at, last_error)
VALUES (%(page_id)s, %(dedup_key)s, %(episode_id)s, %(tier)s, %(unit)s, %(step)s, %(person)s, %(channel)s, %(target)s, %(state)s, %(token)s, %(created_at)s,
    %(received_at)s, %(last_error)s)
ON CONFLICT DO NOTHING

-- name: notify
SELECT pg_notify('vigil_page', '')

-- name: withdraw_expired
UPDATE vigil_store.page AS p SET state = 'withdrawn', leased_until = NULL, last_error = 'its pager died; answered or over meanwhile'
FROM (
    SELECT o.page_id FROM vigil_store.page AS o JOIN vigil_store.episode AS e USING (episode_id)
    WHERE o.state = 'sending' AND o.leased_until < now() AND (e.closed_at IS NOT NULL OR o.acknowledged_at IS NOT NULL)
    FOR UPDATE OF o SKIP LOCKED
) AS over
WHERE p.page_id = over.page_id

-- name: claim
UPDATE vigil_store.page AS p SET state = 'sending', attempts = p.attempts + 1, leased_until = now() + %(lease)s::interval,
    may_repeat = p.may_repeat OR p.state = 'sending'
FROM (
    SELECT page_id FROM vigil_store.page
    WHERE ((state = 'pending' AND next_attempt_at <= now()) OR (state = 'sending' AND leased_until < now()))
        AND (%(only)s::text IS NULL OR channel = %(only)s) AND channel <> ALL(%(but)s::text[])
    ORDER BY CASE tier WHEN 'rapid_response' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END, next_attempt_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
) AS due
WHERE p.page_id = due.page_id
RETURNING p.page_id, p.dedup_key, p.episode_id, p.tier, p.unit, p.step, p.channel, p.target, p.attempts, p.token, p.created_at, p.received_at,
    p.may_repeat, extract(epoch FROM now() - p.queued_at)::float8 AS age_s,
    (SELECT e.alerts FROM vigil_store.episode AS e WHERE e.episode_id = p.episode_id) AS alerts

-- name: accepted
UPDATE vigil_store.page SET state = CASE WHEN acknowledged_at IS NULL THEN 'accepted' ELSE 'acknowledged' END, accepted_at = coalesce(accepted_at, %(at)s),
    provider_ref = %(provider_ref)s, leased_until = NULL, last_error = NULL
WHERE page_id = %(page_id)s AND accepted_at IS NULL

-- name: episode_notified
UPDATE vigil_store.episode SET state = 'notified' WHERE episode_id = %(episode_id)s AND state = 'open'

-- name: retry
UPDATE vigil_store.page AS p SET state = CASE WHEN p.acknowledged_at IS NULL AND e.closed_at IS NULL AND e.state <> 'muted' THEN 'pending' ELSE 'withdrawn' END,
    next_attempt_at = now() + %(delay)s::interval, leased_until = NULL, last_error = %(error)s, may_repeat = p.may_repeat OR %(unknown)s,
    first_failed_at = coalesce(p.first_failed_at, now())
FROM vigil_store.episode AS e
WHERE e.episode_id = p.episode_id AND p.page_id = %(page_id)s AND p.state = 'sending' AND p.attempts = %(attempts)s

-- name: failed
UPDATE vigil_store.page SET state = 'failed', leased_until = NULL, last_error = %(error)s
WHERE page_id = %(page_id)s AND state = 'sending' AND attempts = %(attempts)s

-- name: note_down
UPDATE vigil_store.page AS p SET first_failed_at = now() - %(failing_for)s::interval, last_error = %(error)s
FROM (SELECT page_id FROM vigil_store.page WHERE state = 'pending' AND channel = %(channel)s AND first_failed_at IS NULL FOR UPDATE SKIP LOCKED) AS waiting
WHERE p.page_id = waiting.page_id

-- name: give_up
UPDATE vigil_store.page AS p SET state = 'failed', leased_until = NULL,
    last_error = format('given up after %%s s: %%s', extract(epoch FROM now() - p.queued_at)::int, coalesce(p.last_error, 'never taken'))
FROM (
    SELECT page_id FROM vigil_store.page
    WHERE state = 'pending' AND first_failed_at IS NOT NULL AND queued_at < now() - %(give_up)s::interval
    FOR UPDATE SKIP LOCKED
) AS old
WHERE p.page_id = old.page_id
RETURNING p.page_id, p.channel, p.tier

-- name: waiting
SELECT count(*), coalesce(max(extract(epoch FROM now() - queued_at)), 0)::float8 FROM vigil_store.page WHERE state IN ('pending', 'sending')
