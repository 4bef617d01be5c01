-- Episodes that know the policy they were made under, follow transfers, mutes and further rises, and storms that are told in one page.
-- depends: 0009.snapshots

ALTER TABLE vigil_store.episode
    ADD COLUMN policy_version text NOT NULL DEFAULT '',
    ADD COLUMN closed_policy_version text,
    ADD COLUMN peak double precision,
    ADD COLUMN input text NOT NULL DEFAULT '',
    ADD COLUMN follows text,
    ADD COLUMN grouped_in text,
    ADD COLUMN alerts int NOT NULL DEFAULT 1,
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN expire_after interval;
ALTER TABLE vigil_store.episode DROP CONSTRAINT episode_state_check;
ALTER TABLE vigil_store.episode ADD CONSTRAINT episode_state_check CHECK (
    state IN ('open', 'notified', 'acknowledged', 'at_bedside', 'muted', 'resolved', 'transferred', 'merged', 'expired', 'closed')
);
UPDATE vigil_store.episode SET state = 'merged' WHERE state = 'closed' AND closed_because IN ('merged', 'moved');
UPDATE vigil_store.episode SET expire_after = interval '24 hours', expires_at = opened_at + interval '24 hours' WHERE closed_at IS NULL;

-- Raises of a unit, by an input and of a patient, lately; the last episode of a patient that has cleared.
CREATE INDEX episode_unit ON vigil_store.episode (unit, opened_at);
CREATE INDEX episode_input ON vigil_store.episode (input, opened_at) WHERE input <> '';
CREATE INDEX episode_patient ON vigil_store.episode (patient_id, opened_at);
CREATE INDEX episode_grouped ON vigil_store.episode (grouped_in) WHERE grouped_in IS NOT NULL;
CREATE INDEX episode_muted ON vigil_store.episode (patient_id) WHERE state = 'muted';
CREATE INDEX episode_expiry ON vigil_store.episode (expires_at) WHERE closed_at IS NULL;

ALTER TABLE vigil_store.suppression ADD COLUMN policy_version text NOT NULL DEFAULT '';

CREATE OR REPLACE VIEW vigil.episodes AS
SELECT
    e.episode_id, coalesce(p.merged_into, e.patient_id) AS patient_id, e.encounter_id, e.tier, e.opened_at, e.closed_at, e.state, e.reason,
    e.closed_because, e.unit, e.bed, e.score_id,
    e.step, e.next_step_at, e.next_reason, e.bedside_at, e.bedside_by, e.outcome, e.outcome_action, e.outcome_at, e.outcome_by,
    e.policy_version, e.closed_policy_version, e.peak, e.input, e.follows, e.grouped_in, e.alerts
FROM vigil_store.episode AS e
LEFT JOIN vigil_store.patient AS p ON p.patient_id = e.patient_id AND p.merged_into IS NOT NULL;

CREATE OR REPLACE VIEW vigil.suppressed AS
SELECT coalesce(p.merged_into, s.patient_id) AS patient_id, s.tier, s.reason, s.detail, s.hour, s.first_score_id, s.count, s.last_at, s.policy_version
FROM vigil_store.suppression AS s
LEFT JOIN vigil_store.patient AS p ON p.patient_id = s.patient_id AND p.merged_into IS NOT NULL;
