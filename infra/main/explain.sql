-- What `vigil explain` looks up first.

-- name: score
SELECT score_id, patient_id, name, version, value, at_least, red, as_of, scored_at, mode, explanation FROM vigil_store.score WHERE score_id = %(id)s

-- name: page
SELECT p.page_id, p.tier, p.step, p.state, e.episode_id, e.reason, e.score_id, e.opened_at
FROM vigil_store.page AS p JOIN vigil_store.episode AS e USING (episode_id) WHERE p.page_id = %(id)s

-- name: episode
SELECT NULL, tier, 0, state, episode_id, reason, score_id, opened_at FROM vigil_store.episode WHERE episode_id = %(id)s
