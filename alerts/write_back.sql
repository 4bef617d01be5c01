-- Scores on their way to the EHR.

-- name: put
-- The newest of a patient and score takes the place of what has not gone out yet. While one is being sent its successor waits until that is settled.
INSERT INTO vigil_store.write_back AS w (channel, patient_id, name, score_id, encounter_id, version, value, band, as_of)
SELECT * FROM unnest(
    %(channels)s::text[], %(patient_ids)s::text[], %(names)s::text[], %(score_ids)s::text[], %(encounter_ids)s::text[], %(versions)s::text[],
    %(values)s::float8[], %(bands)s::text[], %(as_of)s::timestamptz[]
)
ON CONFLICT (channel, patient_id, name) DO UPDATE SET
    score_id = excluded.score_id, encounter_id = excluded.encounter_id, version = excluded.version, value = excluded.value, band = excluded.band,
    as_of = excluded.as_of, queued_at = now(),
    state = CASE WHEN w.state = 'sending' THEN 'sending' ELSE 'pending' END,
    attempts = CASE WHEN w.state IN ('sending', 'pending') THEN w.attempts ELSE 0 END,
    next_attempt_at = CASE WHEN w.state IN ('sending', 'pending') THEN w.next_attempt_at ELSE now() END
WHERE w.score_id <> excluded.score_id AND w.as_of <= excluded.as_of AND (%(every)s OR w.band <> excluded.band)

-- name: claim
UPDATE vigil_store.write_back AS w SET state = 'sending', attempts = w.attempts + 1, leased_until = now() + %(lease)s::interval
FROM (
    SELECT channel, patient_id, name, encounter_id FROM vigil_store.write_back
    WHERE channel = %(channel)s AND ((state = 'pending' AND next_attempt_at <= now()) OR (state = 'sending' AND leased_until < now()))
    ORDER BY next_attempt_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
) AS due
LEFT JOIN vigil_store.patient AS p ON p.patient_id = due.patient_id AND p.merged_into IS NOT NULL
LEFT JOIN vigil_store.encounter AS n ON n.patient_id = coalesce(p.merged_into, due.patient_id) AND n.encounter_id = due.encounter_id
WHERE w.channel = due.channel AND w.patient_id = due.patient_id AND w.name = due.name
RETURNING w.channel, w.patient_id, coalesce(p.merged_into, w.patient_id), w.name, w.score_id, w.encounter_id, w.version, w.value, w.as_of, w.attempts,
    n.class, n.unit, n.bed

-- name: sent
UPDATE vigil_store.write_back SET sent_score_id = %(score_id)s, sent_at = %(at)s, leased_until = NULL, last_error = NULL, attempts = 0, next_attempt_at = now(),
    state = CASE WHEN score_id = %(score_id)s THEN 'sent' ELSE 'pending' END
WHERE channel = %(channel)s AND patient_id = %(patient_id)s AND name = %(name)s AND state = 'sending' AND attempts = %(attempts)s

-- name: refused
-- For good, this one; a later score is another message.
UPDATE vigil_store.write_back SET leased_until = NULL, last_error = %(error)s, next_attempt_at = now(),
    state = CASE WHEN score_id = %(score_id)s THEN 'refused' ELSE 'pending' END
WHERE channel = %(channel)s AND patient_id = %(patient_id)s AND name = %(name)s AND state = 'sending' AND attempts = %(attempts)s

-- name: retry
UPDATE vigil_store.write_back SET leased_until = NULL, last_error = %(error)s, state = 'pending', next_attempt_at = now() + %(delay)s::interval
WHERE channel = %(channel)s AND patient_id = %(patient_id)s AND name = %(name)s AND state = 'sending' AND attempts = %(attempts)s
