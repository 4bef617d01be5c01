-- Who treats a patient, pages that are handed over, the rapid-response team's calls and cardiac arrests; and what keeps the patients nobody has out of
-- every figure.
-- depends: 0010.policy 0011.channels

CREATE INDEX event_team ON vigil_store.event (patient_id, encounter_id) WHERE kind = 'team';

ALTER TABLE vigil_store.episode ADD COLUMN owner text, ADD COLUMN owned_since timestamptz;

CREATE TABLE vigil_store.handover (
    handover_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    episode_id text NOT NULL REFERENCES vigil_store.episode,
    from_page_id text NOT NULL REFERENCES vigil_store.page,
    to_person text NOT NULL,
    offered_at timestamptz NOT NULL,
    offered_by text NOT NULL,
    ended_at timestamptz,
    ended_by text,
    ending text CHECK (ending IN ('taken', 'declined', 'unreached', 'unanswered', 'over'))
);
CREATE UNIQUE INDEX handover_open ON vigil_store.handover (episode_id, to_person) WHERE ended_at IS NULL;
ALTER TABLE vigil_store.page ADD COLUMN handover_id bigint REFERENCES vigil_store.handover;
CREATE INDEX page_handover ON vigil_store.page (handover_id) WHERE handover_id IS NOT NULL;

-- A call is an episode of the tier rapid_response; this is what the team adds to one. Without a row an alert called it, and nobody has said more yet.
CREATE TABLE vigil_store.rrt_call (
    episode_id text PRIMARY KEY REFERENCES vigil_store.episode,
    source text NOT NULL CHECK (source IN ('alert', 'hand')),
    called_for text,
    called_by text,
    from_episode_id text REFERENCES vigil_store.episode,
    disposition text,
    ended_at timestamptz,
    ended_by text,
    cancel_reason text,
    cancelled_at timestamptz,
    cancelled_by text
);

CREATE TABLE vigil_store.cardiac_arrest (
    arrest_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id text NOT NULL,
    encounter_id text,
    unit text NOT NULL,
    bed text,
    arrested_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    UNIQUE (patient_id, arrested_at)
);

-- Orders and procedures that say that somebody was resuscitated, by the coding systems' names of HL7 table 0396; a site adds its own.
CREATE TABLE vigil_store.arrest_code (
    code text NOT NULL,
    code_system text NOT NULL,
    PRIMARY KEY (code, code_system)
);
INSERT INTO vigil_store.arrest_code VALUES
    ('92950', 'C4'),       -- CPT: cardiopulmonary resuscitation
    ('5A12012', 'I10P'),   -- ICD-10-PCS: performance of cardiac output, single, manual
    ('89666000', 'SCT');   -- SNOMED CT: cardiopulmonary resuscitation (procedure)

-- Patients nobody has, by whom Vigil tries its own path; the same rule as streams/synthetic.py.
CREATE FUNCTION vigil.is_synthetic(patient text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT patient LIKE 'VIGIL:%' AND patient ~ '^VIGIL:(HEARTBEAT|SYNTHETIC-[A-Z0-9-]+)$'
$$;

-- Whatever columns these views have by now, they keep.
DO $$
DECLARE
    view text;
BEGIN
    FOREACH view IN ARRAY ARRAY['episodes', 'scores', 'observations', 'events', 'suppressed', 'encounters', 'locations'] LOOP
        EXECUTE format(
            'CREATE OR REPLACE VIEW vigil.%I AS SELECT * FROM (%s) AS every WHERE NOT vigil.is_synthetic(patient_id)',
            view, rtrim(pg_get_viewdef(format('vigil.%I', view)::regclass), ';')
        );
    END LOOP;
    EXECUTE format(
        'CREATE OR REPLACE VIEW vigil.pages AS SELECT * FROM (%s) AS every WHERE NOT EXISTS (
            SELECT FROM vigil_store.episode AS e WHERE e.episode_id = every.episode_id AND vigil.is_synthetic(e.patient_id)
        )',
        rtrim(pg_get_viewdef('vigil.pages'::regclass), ';')
    );
END
$$;

CREATE VIEW vigil.synthetic_pages AS
SELECT p.page_id, e.patient_id, e.opened_at, p.channel, p.target, p.state, p.attempts, p.created_at, p.accepted_at, p.acknowledged_at, p.last_error
FROM vigil_store.page AS p JOIN vigil_store.episode AS e USING (episode_id)
WHERE vigil.is_synthetic(e.patient_id);

CREATE VIEW vigil.treatment_team AS
SELECT
    v.patient_id, v.encounter_id, m.member ->> 'role' AS role, m.member ->> 'identifier' AS identifier, m.member ->> 'authority' AS authority,
    (m.member ->> 'began_at')::timestamptz AS began_at, (m.member ->> 'ended_at')::timestamptz AS ended_at, v.occurred_at, v.received_at
FROM vigil.events AS v CROSS JOIN LATERAL jsonb_array_elements(v.detail -> 'members') AS m (member)
WHERE v.kind = 'team' AND v.withdrawn_at IS NULL;

CREATE VIEW vigil.handovers AS
SELECT h.handover_id, h.episode_id, h.from_page_id, h.to_person, h.offered_at, h.offered_by, h.ended_at, h.ended_by, h.ending, e.owner, e.owned_since
FROM vigil_store.handover AS h JOIN vigil_store.episode AS e USING (episode_id);

-- One row a call. Times in seconds, null where the later of the two has not happened.
CREATE VIEW vigil.rrt_calls AS
SELECT
    call_id, patient_id, encounter_id, unit, bed, source, called_for, called_by, from_episode_id, called_at, paged_at, acknowledged_at, arrived_at, arrived_by,
    ended_at, ended_by, disposition, cancelled_at, cancelled_by, cancel_reason, state,
    extract(epoch FROM paged_at - called_at)::float8 AS call_to_page_s,
    extract(epoch FROM acknowledged_at - paged_at)::float8 AS page_to_acknowledgement_s,
    extract(epoch FROM arrived_at - paged_at)::float8 AS page_to_arrival_s,
    extract(epoch FROM arrived_at - called_at)::float8 AS call_to_arrival_s
FROM (
    SELECT
        e.episode_id AS call_id, e.patient_id, e.encounter_id, e.unit, e.bed, coalesce(c.source, 'alert') AS source, c.called_for, c.called_by,
        c.from_episode_id, e.opened_at AS called_at, p.paged_at, a.acknowledged_at, e.bedside_at AS arrived_at, e.bedside_by AS arrived_by,
        c.ended_at, c.ended_by, c.disposition, c.cancelled_at, c.cancelled_by, c.cancel_reason, e.state
    FROM vigil.episodes AS e
    LEFT JOIN vigil_store.rrt_call AS c USING (episode_id)
    LEFT JOIN LATERAL (SELECT min(accepted_at) AS paged_at FROM vigil_store.page WHERE episode_id = e.episode_id) AS p ON true
    LEFT JOIN LATERAL (
        SELECT min(answered_at) AS acknowledged_at FROM vigil_store.answer
        WHERE episode_id = e.episode_id AND kind = 'acknowledge' AND (c.ended_at IS NULL OR answered_at < c.ended_at) -- to end it is no acknowledgement in time
    ) AS a ON true
    WHERE e.tier = 'rapid_response'
) AS calls;

-- One row an arrest, from people and from orders; what is said of the same patient within an hour is one arrest told twice.
CREATE VIEW vigil.cardiac_arrests AS
SELECT patient_id, encounter_id, unit, bed, arrested_at, source
FROM (
    SELECT said.*, lag(arrested_at) OVER (PARTITION BY patient_id ORDER BY arrested_at, source) AS before
    FROM (
        SELECT coalesce(p.merged_into, r.patient_id) AS patient_id, r.encounter_id, r.unit, r.bed, r.arrested_at, 'hand' AS source
        FROM vigil_store.cardiac_arrest AS r
        LEFT JOIN vigil_store.patient AS p ON p.patient_id = r.patient_id AND p.merged_into IS NOT NULL
        UNION ALL
        SELECT coalesce(p.merged_into, o.patient_id), o.encounter_id, l.unit, l.bed, o.ordered_at, 'order'
        FROM vigil_store.clinical_order AS o
        JOIN vigil_store.arrest_code AS k ON k.code = o.code AND k.code_system = o.code_system
        LEFT JOIN vigil_store.patient AS p ON p.patient_id = o.patient_id AND p.merged_into IS NOT NULL
        LEFT JOIN LATERAL (
            SELECT w.unit, w.bed FROM vigil.locations AS w
            WHERE w.patient_id = coalesce(p.merged_into, o.patient_id) AND w.since <= o.ordered_at AND (w.until IS NULL OR w.until > o.ordered_at)
            ORDER BY w.since DESC LIMIT 1
        ) AS l ON true
        WHERE coalesce(o.control, '') NOT IN ('CA', 'OC', 'DC', 'OD', 'CR', 'DR', 'UA')
    ) AS said
) AS each
WHERE NOT vigil.is_synthetic(patient_id) AND (before IS NULL OR arrested_at - before > interval '1 hour');

-- Who was admitted: of the hospital each inpatient visit, of a unit each visit that came to it.
CREATE VIEW vigil.admissions AS
SELECT patient_id, encounter_id, NULL::text AS unit, admitted_at AS at FROM vigil.encounters
WHERE admitted_at IS NOT NULL AND (class IS NULL OR class IN ('I', 'B'))
UNION ALL
SELECT l.patient_id, l.encounter_id, coalesce(l.unit, '?'), min(l.since)
FROM vigil.locations AS l JOIN vigil.encounters AS e USING (patient_id, encounter_id)
WHERE e.class IS NULL OR e.class IN ('I', 'B')
GROUP BY l.patient_id, l.encounter_id, coalesce(l.unit, '?');

-- By month (UTC) and unit; a null unit is the whole hospital, '?' is where nobody said which. Cancelled calls are counted beside the others.
CREATE VIEW vigil.rrt_monthly AS
WITH calls AS (
    SELECT
        date_trunc('month', called_at, 'UTC') AS month, CASE WHEN grouping(coalesce(unit, '?')) = 1 THEN NULL ELSE coalesce(unit, '?') END AS unit,
        count(*) FILTER (WHERE cancelled_at IS NULL) AS calls, count(*) FILTER (WHERE cancelled_at IS NOT NULL) AS cancelled,
        percentile_cont(ARRAY[0.25, 0.5, 0.75, 0.9]) WITHIN GROUP (ORDER BY call_to_page_s) FILTER (WHERE cancelled_at IS NULL) AS call_to_page_s,
        percentile_cont(ARRAY[0.25, 0.5, 0.75, 0.9]) WITHIN GROUP (ORDER BY page_to_acknowledgement_s) FILTER (WHERE cancelled_at IS NULL)
            AS page_to_acknowledgement_s,
        percentile_cont(ARRAY[0.25, 0.5, 0.75, 0.9]) WITHIN GROUP (ORDER BY page_to_arrival_s) FILTER (WHERE cancelled_at IS NULL) AS page_to_arrival_s
    FROM vigil.rrt_calls
    GROUP BY GROUPING SETS ((date_trunc('month', called_at, 'UTC'), coalesce(unit, '?')), (date_trunc('month', called_at, 'UTC')))
),
arrests AS (
    SELECT
        date_trunc('month', arrested_at, 'UTC') AS month, CASE WHEN grouping(coalesce(unit, '?')) = 1 THEN NULL ELSE coalesce(unit, '?') END AS unit,
        count(*) AS arrests
    FROM vigil.cardiac_arrests
    GROUP BY GROUPING SETS ((date_trunc('month', arrested_at, 'UTC'), coalesce(unit, '?')), (date_trunc('month', arrested_at, 'UTC')))
),
admissions AS (
    SELECT date_trunc('month', at, 'UTC') AS month, unit, count(*) AS admissions FROM vigil.admissions GROUP BY 1, 2
),
places AS (
    SELECT month, unit FROM calls UNION SELECT month, unit FROM arrests UNION SELECT month, unit FROM admissions
)
SELECT
    places.month, places.unit, coalesce(a.admissions, 0) AS admissions, coalesce(c.calls, 0) AS calls, coalesce(c.cancelled, 0) AS cancelled,
    round(1000.0 * coalesce(c.calls, 0) / nullif(a.admissions, 0), 2)::float8 AS calls_per_1000_admissions,
    c.call_to_page_s[1] AS call_to_page_s_p25, c.call_to_page_s[2] AS call_to_page_s_p50, c.call_to_page_s[3] AS call_to_page_s_p75,
    c.call_to_page_s[4] AS call_to_page_s_p90,
    c.page_to_acknowledgement_s[1] AS page_to_acknowledgement_s_p25, c.page_to_acknowledgement_s[2] AS page_to_acknowledgement_s_p50,
    c.page_to_acknowledgement_s[3] AS page_to_acknowledgement_s_p75, c.page_to_acknowledgement_s[4] AS page_to_acknowledgement_s_p90,
    c.page_to_arrival_s[1] AS page_to_arrival_s_p25, c.page_to_arrival_s[2] AS page_to_arrival_s_p50, c.page_to_arrival_s[3] AS page_to_arrival_s_p75,
    c.page_to_arrival_s[4] AS page_to_arrival_s_p90,
    coalesce(r.arrests, 0) AS arrests, round(1000.0 * coalesce(r.arrests, 0) / nullif(a.admissions, 0), 2)::float8 AS arrests_per_1000_admissions
FROM places
LEFT JOIN calls AS c ON c.month = places.month AND c.unit IS NOT DISTINCT FROM places.unit
LEFT JOIN arrests AS r ON r.month = places.month AND r.unit IS NOT DISTINCT FROM places.unit
LEFT JOIN admissions AS a ON a.month = places.month AND a.unit IS NOT DISTINCT FROM places.unit;
