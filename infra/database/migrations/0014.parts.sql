-- Parts of messages that come in several, until the others have come (infra/adr/2026-11-24-parts-wait-in-the-database.md); whose orders and
-- notes were before a visit was moved; and movements for visits that a worker of before 0008 wrote while it was replaced.
-- depends: 0013.models

CREATE TABLE vigil_store.message_part (
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    received_at timestamptz NOT NULL,
    taken_at timestamptz NOT NULL,
    origin text NOT NULL,
    follows text NOT NULL,
    pointer text NOT NULL,
    feed text,
    control_id text,
    sent_by text,
    message_type text,
    body bytea NOT NULL,
    given_up_at timestamptz,
    PRIMARY KEY (topic, partition, "offset", received_at)
);
CREATE INDEX message_part_origin ON vigil_store.message_part (origin, taken_at);

-- An order or a note of a visit that was filed under the wrong patient is the right one's now; this says whose it was until when.
CREATE TABLE vigil_store.moved_record (
    kind text NOT NULL CHECK (kind IN ('order', 'note')),
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    ordinal int NOT NULL,
    from_id text NOT NULL,
    from_encounter_id text,
    until timestamptz NOT NULL
);
CREATE INDEX moved_record_place ON vigil_store.moved_record (topic, partition, "offset", ordinal);
CREATE INDEX moved_record_patient ON vigil_store.moved_record (from_id);

CREATE FUNCTION vigil.orders_as_of(patient text, at timestamptz)
RETURNS TABLE (
    encounter_id text, control text, placer_number text, filler_number text, code text, status text, ordered_at timestamptz, received_at timestamptz,
    topic text, partition int, "offset" bigint, ordinal int
)
LANGUAGE sql STABLE AS $$
    SELECT
        CASE WHEN m.from_id IS NULL THEN o.encounter_id ELSE m.from_encounter_id END, o.control, o.placer_number, o.filler_number, o.code, o.status,
        o.ordered_at, o.received_at, o.topic, o.partition, o."offset", o.ordinal
    FROM (
        SELECT * FROM vigil_store.clinical_order WHERE patient_id IN (SELECT vigil.known_as(patient, at))
        UNION
        SELECT c.* FROM vigil_store.moved_record AS r JOIN vigil_store.clinical_order AS c USING (topic, partition, "offset", ordinal)
        WHERE r.kind = 'order' AND r.from_id IN (SELECT vigil.known_as(patient, at))
    ) AS o
    LEFT JOIN LATERAL (
        SELECT * FROM vigil_store.moved_record AS r
        WHERE r.kind = 'order' AND (r.topic, r.partition, r."offset", r.ordinal) = (o.topic, o.partition, o."offset", o.ordinal) AND r.until > at
        ORDER BY r.until LIMIT 1
    ) AS m ON true
    WHERE o.received_at <= at AND coalesce(m.from_id, o.patient_id) IN (SELECT vigil.known_as(patient, at))
    ORDER BY o.ordered_at, o.received_at, o.topic, o.partition, o."offset", o.ordinal
$$;

CREATE FUNCTION vigil.notes_as_of(patient text, at timestamptz)
RETURNS TABLE (
    encounter_id text, document_id text, document_type text, status text, action text, body text, written_at timestamptz, received_at timestamptz,
    topic text, partition int, "offset" bigint, ordinal int
)
LANGUAGE sql STABLE AS $$
    SELECT
        CASE WHEN m.from_id IS NULL THEN o.encounter_id ELSE m.from_encounter_id END, o.document_id, o.document_type, o.status, o.action, o.body,
        o.written_at, o.received_at, o.topic, o.partition, o."offset", o.ordinal
    FROM (
        SELECT * FROM vigil_store.note WHERE patient_id IN (SELECT vigil.known_as(patient, at))
        UNION
        SELECT c.* FROM vigil_store.moved_record AS r JOIN vigil_store.note AS c USING (topic, partition, "offset", ordinal)
        WHERE r.kind = 'note' AND r.from_id IN (SELECT vigil.known_as(patient, at))
    ) AS o
    LEFT JOIN LATERAL (
        SELECT * FROM vigil_store.moved_record AS r
        WHERE r.kind = 'note' AND (r.topic, r.partition, r."offset", r.ordinal) = (o.topic, o.partition, o."offset", o.ordinal) AND r.until > at
        ORDER BY r.until LIMIT 1
    ) AS m ON true
    WHERE o.received_at <= at AND coalesce(m.from_id, o.patient_id) IN (SELECT vigil.known_as(patient, at))
    ORDER BY o.written_at, o.received_at, o.topic, o.partition, o."offset", o.ordinal
$$;

-- While 0008 was applied a worker of the version before may still have written visits, of which no movement tells: the next recall would lose them.
INSERT INTO vigil_store.event (patient_id, encounter_id, kind, occurred_at, received_at, detail, topic, partition, "offset", ordinal)
SELECT
    patient_id, encounter_id, kind, at, touched_at,
    jsonb_build_object('kind', kind, 'occurred_at', at, 'person', '{}'::jsonb, 'visit', visit) || more, 'migration', 14,
    row_number() OVER (ORDER BY patient_id, encounter_id), ordinal
FROM (
    SELECT e.*, (
        SELECT count(*) FROM vigil_store.event AS v
        WHERE v.patient_id = e.patient_id AND (v.encounter_id = e.encounter_id OR v.detail #>> '{visit,encounter_id}' = e.encounter_id)
            AND v.kind IN ('admit', 'transfer', 'discharge', 'cancel', 'seen', 'merge_visit')
    ) AS told
    FROM vigil_store.encounter AS e
) AS e
CROSS JOIN LATERAL (
    VALUES
        (
            'admit', coalesce(admitted_at, located_at, touched_at), 0, true, '{}'::jsonb,
            jsonb_build_object('encounter_id', encounter_id, 'patient_class', class, 'admitted_at', admitted_at,
                'location', jsonb_build_object('unit', unit, 'bed', bed))
        ),
        ('discharge', discharged_at, 1, status = 'discharged' AND discharged_at IS NOT NULL, '{}'::jsonb, jsonb_build_object('encounter_id', encounter_id)),
        (
            'cancel', coalesce(located_at, touched_at), 2, status = 'cancelled', jsonb_build_object('cancels', 'admit'),
            jsonb_build_object('encounter_id', encounter_id)
        )
) AS k (kind, at, ordinal, holds, more, visit)
WHERE told = 0 AND holds;
