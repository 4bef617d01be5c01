-- What the worker's transaction writes of the scoring room.

-- name: copy_scores
COPY vigil_store.score (score_id, patient_id, encounter_id, name, version, value, at_least, red, as_of, scored_at, mode, explanation)
FROM STDIN (FORMAT BINARY)
