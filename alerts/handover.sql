-- Pages that are handed over.

-- name: lock_episode
SELECT e.tier, e.unit, e.step, e.received_at, e.owner, e.closed_at IS NULL FROM vigil_store.episode AS e WHERE e.episode_id = %(episode_id)s FOR UPDATE

-- name: offer
INSERT INTO vigil_store.handover (episode_id, from_page_id, to_person, offered_at, offered_by)
VALUES (%(episode_id)s, %(from_page_id)s, %(to_person)s, %(at)s, %(by)s)
ON CONFLICT DO NOTHING
RETURNING handover_id

-- name: mark_page
UPDATE vigil_store.page SET handover_id = %(handover_id)s WHERE page_id = %(page_id)s

-- name: open_offers
SELECT h.handover_id FROM vigil_store.handover AS h WHERE h.ended_at IS NULL ORDER BY h.handover_id LIMIT %(limit)s

-- name: lock_offer
SELECT h.handover_id, h.episode_id, h.from_page_id, h.to_person, h.offered_at, e.tier, e.unit, e.step, e.received_at, e.owner, e.closed_at IS NULL
FROM vigil_store.handover AS h JOIN vigil_store.episode AS e USING (episode_id)
WHERE h.handover_id = %(handover_id)s AND h.ended_at IS NULL
FOR UPDATE OF e SKIP LOCKED

-- name: tried
SELECT step, person, channel, target,
    acknowledged_at IS NULL AND (state IN ('failed', 'withdrawn') OR (state IN ('pending', 'sending') AND coalesce(first_failed_at <= now() - %(fallback)s::interval, false))),
    declined_at IS NOT NULL
FROM vigil_store.page WHERE handover_id = %(handover_id)s AND person = %(to_person)s ORDER BY created_at, page_id

-- name: end
UPDATE vigil_store.handover SET ended_at = %(at)s, ended_by = %(by)s, ending = %(ending)s
WHERE handover_id = %(handover_id)s AND ended_at IS NULL
RETURNING handover_id

-- name: offer_of_page
SELECT h.handover_id, h.episode_id, h.from_page_id, h.to_person, h.offered_at, e.tier, e.unit, e.step, e.received_at, e.owner, e.closed_at IS NULL
FROM vigil_store.page AS p JOIN vigil_store.handover AS h USING (handover_id) JOIN vigil_store.episode AS e ON e.episode_id = h.episode_id
WHERE p.page_id = %(page_id)s AND p.person = h.to_person AND h.ended_at IS NULL

-- name: end_others
UPDATE vigil_store.handover SET ended_at = %(at)s, ended_by = %(by)s, ending = 'over'
WHERE episode_id = %(episode_id)s AND handover_id <> %(handover_id)s AND ended_at IS NULL

-- name: end_answered
UPDATE vigil_store.handover SET ended_at = %(at)s, ended_by = %(by)s, ending = 'over'
WHERE episode_id = %(episode_id)s AND from_page_id <> %(page_id)s AND ended_at IS NULL

-- name: withdraw
UPDATE vigil_store.page AS p SET state = 'withdrawn', leased_until = NULL, last_error = 'handed over otherwise'
FROM vigil_store.handover AS h
WHERE p.handover_id = h.handover_id AND h.episode_id = %(episode_id)s AND h.ended_at IS NOT NULL AND p.person = h.to_person AND p.state = 'pending'

-- name: own
UPDATE vigil_store.episode SET owner = %(by)s, owned_since = %(at)s WHERE episode_id = %(episode_id)s

-- name: decline_pages
UPDATE vigil_store.page SET declined_at = %(at)s, declined_by = %(by)s, state = CASE WHEN state = 'pending' THEN 'withdrawn' ELSE state END
WHERE handover_id = %(handover_id)s AND person = %(to_person)s AND declined_at IS NULL

-- name: from_page
SELECT person, channel, target FROM vigil_store.page WHERE page_id = %(page_id)s

-- name: notify
SELECT pg_notify('vigil_page', '')
