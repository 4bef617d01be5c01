-- What providers tell of pages they have taken, and what people answer through them.

-- name: put_receipt
INSERT INTO vigil_store.receipt (page_id, provider_ref, outcome, detail, received_at)
SELECT p.page_id, %(provider_ref)s, %(outcome)s, %(detail)s, %(at)s FROM vigil_store.page AS p WHERE p.page_id = %(page_id)s AND p.channel = %(channel)s
ON CONFLICT DO NOTHING

-- name: waiting
SELECT r.page_id, r.provider_ref, r.outcome, r.detail, r.received_at, p.episode_id, p.channel
FROM vigil_store.receipt AS r JOIN vigil_store.page AS p USING (page_id)
WHERE r.applied_at IS NULL AND (p.state NOT IN ('pending', 'sending') OR r.received_at < %(long_ago)s)
ORDER BY r.received_at LIMIT %(limit)s

-- name: lock_episode
SELECT FROM vigil_store.episode WHERE episode_id = %(episode_id)s FOR UPDATE

-- name: applied
UPDATE vigil_store.receipt SET applied_at = %(at)s
WHERE page_id = %(page_id)s AND provider_ref = %(provider_ref)s AND outcome = %(outcome)s AND applied_at IS NULL

-- name: delivered
UPDATE vigil_store.page SET delivered_at = coalesce(delivered_at, %(at)s) WHERE page_id = %(page_id)s

-- name: undelivered
UPDATE vigil_store.page SET state = 'failed', last_error = %(detail)s
WHERE page_id = %(page_id)s AND state = 'accepted' AND (%(provider_ref)s = '' OR coalesce(provider_ref, %(provider_ref)s) = %(provider_ref)s)
RETURNING page_id

-- name: notify
SELECT pg_notify('vigil_page', '')

-- name: put_reply
INSERT INTO vigil_store.provider_reply (channel, message_id, received_at) VALUES (%(channel)s, %(message_id)s, %(at)s)
ON CONFLICT DO NOTHING
RETURNING message_id

-- name: understood
UPDATE vigil_store.provider_reply SET page_id = %(page_id)s, kind = %(kind)s, result = %(result)s WHERE channel = %(channel)s AND message_id = %(message_id)s

-- name: sent_to
SELECT p.page_id, p.episode_id, p.person, p.target, p.declined_at IS NOT NULL,
    p.state IN ('pending', 'sending', 'accepted') AND p.acknowledged_at IS NULL AND e.closed_at IS NULL AND e.state IN ('open', 'notified')
FROM vigil_store.page AS p JOIN vigil_store.episode AS e USING (episode_id)
WHERE p.channel = %(channel)s AND %(digits)s <> '' AND ltrim(regexp_replace(p.target, '[^0-9]', '', 'g'), '0') = %(digits)s
    AND p.attempts > 0 AND p.queued_at > now() - interval '2 hours'
ORDER BY p.queued_at DESC

-- name: of_channel
SELECT person, target FROM vigil_store.page WHERE page_id = %(page_id)s AND channel = %(channel)s
