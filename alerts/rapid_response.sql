-- The rapid-response team's calls, and cardiac arrests.

-- name: of_page
SELECT e.episode_id, e.patient_id, e.encounter_id, e.tier, e.closed_at IS NULL,
    coalesce((SELECT n.unit FROM vigil_store.encounter AS n WHERE n.patient_id = e.patient_id AND n.encounter_id = e.encounter_id AND n.status = 'open'), e.unit),
    coalesce((SELECT n.bed FROM vigil_store.encounter AS n WHERE n.patient_id = e.patient_id AND n.encounter_id = e.encounter_id AND n.status = 'open'), e.bed)
FROM vigil_store.page AS p JOIN vigil_store.episode AS e USING (episode_id)
WHERE p.page_id = %(token)s OR p.token = %(token)s

-- name: in_bed
SELECT e.patient_id, e.encounter_id FROM vigil_store.encounter AS e
LEFT JOIN vigil_store.patient AS p ON p.patient_id = e.patient_id
WHERE e.status = 'open' AND e.unit = %(unit)s AND e.bed = %(bed)s AND p.merged_into IS NULL AND NOT vigil.is_synthetic(e.patient_id)
ORDER BY e.located_at DESC NULLS LAST LIMIT 1

-- name: open_call
INSERT INTO vigil_store.episode (episode_id, patient_id, encounter_id, tier, unit, bed, opened_at, state, reason, score_id, received_at)
VALUES (%(episode_id)s, %(patient_id)s, %(encounter_id)s, 'rapid_response', %(unit)s, %(bed)s, %(at)s, 'open', %(reason)s, '', %(at)s)
ON CONFLICT DO NOTHING
RETURNING episode_id

-- name: call_of
SELECT episode_id FROM vigil_store.episode WHERE patient_id = %(patient_id)s AND tier = 'rapid_response' AND closed_at IS NULL

-- name: lower_open
SELECT EXISTS (SELECT FROM vigil_store.episode WHERE patient_id = %(patient_id)s AND tier <> 'rapid_response' AND closed_at IS NULL)

-- name: paged
SELECT EXISTS (SELECT FROM vigil_store.page WHERE episode_id = %(episode_id)s AND channel <> 'none')

-- name: put_call
INSERT INTO vigil_store.rrt_call (episode_id, source, called_for, called_by, from_episode_id)
VALUES (%(episode_id)s, 'hand', %(called_for)s, %(by)s, %(from_episode_id)s)

-- name: lock_call
SELECT e.state, e.closed_at IS NULL, e.opened_at, (SELECT p.page_id FROM vigil_store.page AS p WHERE p.episode_id = e.episode_id ORDER BY p.created_at, p.page_id LIMIT 1)
FROM vigil_store.episode AS e WHERE e.episode_id = %(call_id)s AND e.tier = 'rapid_response' AND NOT vigil.is_synthetic(e.patient_id) FOR UPDATE

-- name: note_alert
INSERT INTO vigil_store.rrt_call (episode_id, source) VALUES (%(call_id)s, 'alert') ON CONFLICT DO NOTHING

-- name: end_call
UPDATE vigil_store.rrt_call SET disposition = %(disposition)s, ended_at = coalesce(ended_at, %(at)s), ended_by = %(by)s
WHERE episode_id = %(call_id)s AND disposition IS DISTINCT FROM %(disposition)s AND cancelled_at IS NULL
RETURNING source

-- name: cancel_call
UPDATE vigil_store.rrt_call SET cancel_reason = %(reason)s, cancelled_at = %(at)s, cancelled_by = %(by)s
WHERE episode_id = %(call_id)s AND cancelled_at IS NULL AND ended_at IS NULL
RETURNING source

-- name: close_episode
UPDATE vigil_store.episode SET state = %(state)s, closed_at = %(at)s, closed_because = %(because)s, next_step_at = NULL
WHERE episode_id = %(call_id)s AND closed_at IS NULL
RETURNING episode_id

-- name: withdraw
UPDATE vigil_store.page SET state = 'withdrawn', leased_until = NULL, last_error = %(because)s WHERE episode_id = %(call_id)s AND state = 'pending'

-- name: put_arrest
INSERT INTO vigil_store.cardiac_arrest (patient_id, encounter_id, unit, bed, arrested_at, recorded_at, recorded_by)
VALUES (%(patient_id)s, %(encounter_id)s, %(unit)s, %(bed)s, %(arrested_at)s, %(at)s, %(by)s)
ON CONFLICT DO NOTHING
RETURNING arrest_id

-- name: calls
SELECT call_id, unit, bed, source, called_for, called_at, paged_at, acknowledged_at, arrived_at, arrived_by, ended_at, disposition, cancelled_at,
    (SELECT max(a.answered_by) FROM vigil_store.answer AS a WHERE a.episode_id = call_id AND a.kind = 'acknowledge')
FROM vigil.rrt_calls
WHERE (state NOT IN ('resolved', 'closed') OR called_at > %(since)s) AND ended_at IS NULL AND cancelled_at IS NULL
ORDER BY called_at DESC LIMIT 100

-- name: places
SELECT DISTINCT unit, coalesce(bed, '') FROM vigil.encounters WHERE status = 'open' AND unit IS NOT NULL ORDER BY 1, 2 LIMIT 2000

-- name: notify
SELECT pg_notify('vigil_page', '')

-- name: measured_calls
SELECT call_id, coalesce(unit, '?'), source, called_for, called_at, call_to_page_s, page_to_acknowledgement_s, page_to_arrival_s, disposition,
    cancelled_at IS NOT NULL
FROM vigil.rrt_calls WHERE called_at >= %(since)s AND called_at < %(until)s ORDER BY called_at

-- name: measured_arrests
SELECT coalesce(unit, '?'), arrested_at, source FROM vigil.cardiac_arrests WHERE arrested_at >= %(since)s AND arrested_at < %(until)s ORDER BY arrested_at

-- name: measured_admissions
SELECT unit, at FROM vigil.admissions WHERE at >= %(since)s AND at < %(until)s
