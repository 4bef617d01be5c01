-- Whom a page is about, for channels that are approved to carry it; as it was when the page was made, so that a repeat says the same.

-- name: about
SELECT e.patient_id, e.encounter_id, n.class, e.bed, e.reason
FROM vigil_store.page AS p
JOIN vigil_store.episode AS e USING (episode_id)
LEFT JOIN vigil_store.encounter AS n ON n.patient_id = e.patient_id AND n.encounter_id = e.encounter_id
WHERE p.page_id = %(page_id)s

-- name: findings
SELECT DISTINCT ON (s.name) s.name, s.version, s.value, s.as_of
FROM vigil_store.page AS p
JOIN vigil_store.episode AS e USING (episode_id)
JOIN vigil_store.score AS s ON s.patient_id = e.patient_id AND s.mode <> 'shadow' AND s.scored_at <= p.created_at
    AND s.scored_at > p.created_at - interval '1 day'
WHERE p.page_id = %(page_id)s
ORDER BY s.name, s.scored_at DESC
