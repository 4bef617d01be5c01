-- How pages ended, for providers that can be told, or can take a page back.

-- name: untold
WITH ended AS (
    SELECT p.page_id, p.channel, p.provider_ref, p.ending_told, p.queued_at,
        CASE WHEN e.closed_at IS NOT NULL OR p.state = 'withdrawn' OR p.declined_at IS NOT NULL THEN 'over' ELSE 'acknowledged' END AS ending
    FROM vigil_store.page AS p JOIN vigil_store.episode AS e USING (episode_id)
    WHERE p.channel = ANY(%(channels)s::text[]) AND p.attempts > 0 AND p.state NOT IN ('pending', 'sending') AND p.ending_told IS DISTINCT FROM 'over'
        AND (p.acknowledged_at IS NOT NULL OR p.declined_at IS NOT NULL OR p.state = 'withdrawn' OR e.closed_at IS NOT NULL)
        AND p.queued_at > now() - interval '2 days'
)
SELECT page_id, channel, provider_ref, ending FROM ended WHERE ending_told IS DISTINCT FROM ending ORDER BY queued_at DESC LIMIT %(limit)s

-- name: told
UPDATE vigil_store.page SET ending_told = %(ending)s WHERE page_id = %(page_id)s AND ending_told IS DISTINCT FROM 'over'
