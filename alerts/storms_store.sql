-- Raises that are told together.

-- name: raises
SELECT
    (SELECT count(DISTINCT patient_id) FROM vigil_store.episode
        WHERE unit = %(unit)s AND opened_at > %(since)s AND opened_at <= %(until)s AND follows IS NULL AND alerts = 1 AND patient_id <> %(patient_id)s),
    (SELECT count(DISTINCT patient_id) FROM vigil_store.episode
        WHERE input = nullif(%(input)s, '') AND opened_at > %(since)s AND opened_at <= %(until)s AND follows IS NULL AND patient_id <> %(patient_id)s),
    (SELECT count(*) FROM vigil_store.episode
        WHERE patient_id = %(patient_id)s AND input = nullif(%(input)s, '') AND opened_at > %(bed_since)s AND opened_at <= %(until)s AND follows IS NULL)

-- name: gather
INSERT INTO vigil_store.episode (episode_id, patient_id, encounter_id, tier, unit, bed, opened_at, state, reason, score_id, received_at, policy_version, expires_at,
    expire_after, alerts)
VALUES (%(episode_id)s, %(patient_id)s, NULL, %(tier)s, %(unit)s, %(bed)s, %(opened_at)s, 'open', %(reason)s, %(score_id)s, %(received_at)s, %(policy_version)s,
    %(expires_at)s, %(hold)s, greatest(2, %(alerts)s))
ON CONFLICT (patient_id, tier) WHERE closed_at IS NULL
DO UPDATE SET alerts = vigil_store.episode.alerts + 1, expires_at = greatest(vigil_store.episode.expires_at, excluded.expires_at)
RETURNING episode_id, (xmax = 0)

-- name: hold
UPDATE vigil_store.episode SET grouped_in = %(grouped_in)s, step = -1, step_at = %(at)s, next_step_at = %(until)s, next_reason = 'grouped', risen = %(risen)s
WHERE episode_id = %(episode_id)s
