-- Patients about whom nobody is paged for a while, and what was not paged.

-- name: muted
SELECT reason FROM vigil_store.mute WHERE patient_id = %(patient_id)s AND lifted_at IS NULL AND until > %(at)s ORDER BY until DESC LIMIT 1

-- name: mute
INSERT INTO vigil_store.mute (patient_id, reason, until, made_at, made_by)
SELECT patient_id, %(reason)s, %(until)s, %(at)s, %(by)s FROM vigil_store.episode WHERE episode_id = %(episode_id)s
RETURNING mute_id

-- name: silence
UPDATE vigil_store.episode SET state = 'muted', next_step_at = NULL, next_reason = 'muted'
WHERE patient_id = (SELECT patient_id FROM vigil_store.episode WHERE episode_id = %(episode_id)s) AND closed_at IS NULL AND state IN ('open', 'notified')
RETURNING episode_id

-- name: withdraw_muted
UPDATE vigil_store.page SET state = 'withdrawn', leased_until = NULL, last_error = 'muted' WHERE episode_id = ANY(%(ids)s::text[]) AND state = 'pending'

-- name: lift
UPDATE vigil_store.mute SET lifted_at = %(at)s, lifted_by = %(by)s
WHERE patient_id = (SELECT patient_id FROM vigil_store.episode WHERE episode_id = %(episode_id)s) AND lifted_at IS NULL AND until > %(at)s
RETURNING mute_id

-- name: adopt_mutes
UPDATE vigil_store.mute SET patient_id = %(into_id)s, recorded_as = coalesce(recorded_as, patient_id) WHERE patient_id = %(from_id)s

-- name: suppressed
INSERT INTO vigil_store.suppression (patient_id, tier, reason, detail, hour, first_score_id, count, last_at, policy_version)
VALUES (%(patient_id)s, %(tier)s, %(reason)s, %(detail)s, date_trunc('hour', %(at)s::timestamptz), %(score_id)s, 1, %(at)s, %(version)s)
ON CONFLICT (patient_id, hour, tier, reason, detail) DO UPDATE SET count = vigil_store.suppression.count + 1, last_at = excluded.last_at
