-- Everything ever recorded of a patient, for the pure functions beside; the same questions in SQL are functions of the schema `vigil`.

-- name: merged
SELECT patient_id, since, until FROM vigil_store.identity WHERE merged_into = %(id)s ORDER BY since

-- name: person
SELECT birth_date, sex FROM vigil_store.patient WHERE patient_id = %(id)s

-- name: observations
SELECT o.patient_id, o.observed_at, o.received_at, o.withdrawn_at, m.processed_at, o.topic, o.partition, o."offset", o.ordinal,
    o.code, o.code_system, o.value_num, o.value_text, o.comparator, o.unit, o.canonical_code, o.canonical_num, o.canonical_unit, o.canonical_text,
    o.observed_at, o.received_at, o.status, o.result_key
FROM vigil_store.observation AS o
LEFT JOIN vigil_store.message AS m ON m.topic = o.topic AND m.partition = o.partition AND m."offset" = o."offset"
WHERE o.patient_id = ANY(%(ids)s::text[])

-- name: events
SELECT e.patient_id, e.occurred_at, e.received_at, e.withdrawn_at, m.processed_at, e.topic, e.partition, e."offset", e.ordinal, e.detail
FROM vigil_store.event AS e
LEFT JOIN vigil_store.message AS m ON m.topic = e.topic AND m.partition = e.partition AND m."offset" = e."offset"
WHERE e.patient_id = ANY(%(ids)s::text[])
    AND e.kind IN ('admit', 'transfer', 'discharge', 'update', 'cancel', 'merge_visit', 'seen', 'code_status', 'medication')
