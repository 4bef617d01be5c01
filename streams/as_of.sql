-- Everything ever recorded of a patient, for the pure functions beside; the same questions in SQL are functions of the schema `vigil`.

-- name: merged
SELECT patient_id, merged_at FROM vigil_store.patient WHERE merged_into = %(id)s ORDER BY merged_at

-- name: person
SELECT birth_date, sex FROM vigil_store.patient WHERE patient_id = %(id)s

-- name: observations
SELECT patient_id, observed_at, received_at, withdrawn_at, topic, partition, "offset", ordinal,
    code, code_system, value_num, value_text, comparator, unit, canonical_code, canonical_num, canonical_unit, canonical_text, observed_at,
    received_at, status, result_key
FROM vigil_store.observation WHERE patient_id = ANY(%(ids)s::text[])

-- name: events
SELECT patient_id, occurred_at, received_at, withdrawn_at, topic, partition, "offset", ordinal, detail
FROM vigil_store.event
WHERE patient_id = ANY(%(ids)s::text[])
    AND kind IN ('admit', 'transfer', 'discharge', 'update', 'cancel', 'merge_visit', 'seen', 'code_status', 'medication')
