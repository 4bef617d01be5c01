-- Who treats a patient.

-- name: stated
-- Of statements that are the same word for word the last; hundreds of results repeat the attending.
SELECT DISTINCT ON (v.detail -> 'members') v.detail, v.occurred_at, v.received_at, v.topic, v.partition, v."offset", v.ordinal
FROM vigil_store.event AS v
WHERE v.kind = 'team' AND v.withdrawn_at IS NULL AND v.encounter_id IS NOT DISTINCT FROM %(encounter_id)s::text
    AND v.patient_id IN (
        SELECT %(patient_id)s::text UNION ALL SELECT p.patient_id FROM vigil_store.patient AS p WHERE p.merged_into = %(patient_id)s::text
    )
ORDER BY v.detail -> 'members', v.occurred_at DESC, v.received_at DESC, v.topic DESC, v.partition DESC, v."offset" DESC, v.ordinal DESC
