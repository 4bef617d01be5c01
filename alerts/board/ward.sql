-- What the board and the terminal show.

-- name: ward
WITH here AS (
    SELECT e.patient_id, e.encounter_id, e.unit, e.bed, e.admitted_at
    FROM vigil_store.encounter AS e
    LEFT JOIN vigil_store.patient AS p ON p.patient_id = e.patient_id
    WHERE e.status = 'open' AND p.merged_into IS NULL AND NOT vigil.is_synthetic(e.patient_id)
    ORDER BY e.unit, e.bed LIMIT 500
)
SELECT
    h.unit, h.bed, h.patient_id,
    (SELECT array_agg(s.at_least ORDER BY s.scored_at) FROM (
        SELECT at_least, scored_at FROM vigil_store.score WHERE patient_id = h.patient_id AND name = 'news2' ORDER BY scored_at DESC LIMIT 12
    ) AS s) AS news2,
    (SELECT value FROM vigil_store.score WHERE patient_id = h.patient_id AND name = 'deterioration' AND mode = 'live' ORDER BY scored_at DESC LIMIT 1) AS risk,
    (SELECT mode FROM vigil_store.score WHERE patient_id = h.patient_id AND name = 'news2' ORDER BY scored_at DESC LIMIT 1) AS mode,
    (SELECT array_agg(tier ORDER BY tier) FROM vigil_store.episode WHERE patient_id = h.patient_id AND closed_at IS NULL) AS tiers,
    (SELECT p.state FROM vigil_store.page AS p JOIN vigil_store.episode AS e USING (episode_id) WHERE e.patient_id = h.patient_id AND e.closed_at IS NULL
        ORDER BY p.created_at DESC LIMIT 1) AS page_state,
    (SELECT s.explanation -> 'findings' FROM vigil_store.episode AS e JOIN vigil_store.score AS s USING (score_id)
        WHERE e.patient_id = h.patient_id AND e.closed_at IS NULL ORDER BY e.opened_at DESC LIMIT 1) AS findings
FROM here AS h

-- name: pages
SELECT tier, unit, step, person, channel, state, created_at, accepted_at, acknowledged_by, declined_by FROM vigil.pages ORDER BY created_at DESC LIMIT 12

-- name: totals
SELECT
    (SELECT count(*) FROM vigil.episodes WHERE closed_at IS NULL),
    (SELECT count(*) FROM vigil.pages WHERE accepted_at IS NOT NULL),
    (SELECT count(*) FROM vigil.pages WHERE state IN ('pending', 'sending')),
    (SELECT coalesce(sum(next_offset), 0)::bigint FROM vigil_store.progress)
