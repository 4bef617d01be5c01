-- Escalation and answers: the timer of each episode, who was paged and could not be reached, what people answered, and duties beside the rotations.
-- depends: 0003.alerts

ALTER TABLE vigil_store.episode
    ADD COLUMN step int NOT NULL DEFAULT 0,
    ADD COLUMN step_at timestamptz,
    ADD COLUMN next_step_at timestamptz,
    ADD COLUMN next_reason text,
    ADD COLUMN risen boolean NOT NULL DEFAULT false,
    ADD COLUMN acknowledgements_needed int NOT NULL DEFAULT 1,
    ADD COLUMN bedside_at timestamptz,
    ADD COLUMN bedside_by text,
    ADD COLUMN outcome text,
    ADD COLUMN outcome_action text,
    ADD COLUMN outcome_at timestamptz,
    ADD COLUMN outcome_by text;
ALTER TABLE vigil_store.episode DROP CONSTRAINT episode_state_check;
ALTER TABLE vigil_store.episode ADD CONSTRAINT episode_state_check
    CHECK (state IN ('open', 'notified', 'acknowledged', 'at_bedside', 'resolved', 'closed'));
CREATE INDEX episode_timer ON vigil_store.episode (next_step_at) WHERE closed_at IS NULL AND next_step_at IS NOT NULL;

ALTER TABLE vigil_store.page
    ADD COLUMN person text,
    ADD COLUMN may_repeat boolean NOT NULL DEFAULT false,
    ADD COLUMN first_failed_at timestamptz,
    ADD COLUMN passed_on boolean NOT NULL DEFAULT false,
    ADD COLUMN declined_at timestamptz,
    ADD COLUMN declined_by text;
CREATE INDEX page_trouble ON vigil_store.page (episode_id)
    WHERE NOT passed_on AND (state = 'failed' OR declined_at IS NOT NULL OR (first_failed_at IS NOT NULL AND state IN ('pending', 'sending')));

CREATE TABLE vigil_store.answer (
    answer_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    page_id text NOT NULL REFERENCES vigil_store.page,
    episode_id text NOT NULL REFERENCES vigil_store.episode,
    kind text NOT NULL CHECK (kind IN ('acknowledge', 'decline', 'bedside', 'outcome')),
    outcome text,
    action text,
    answered_at timestamptz NOT NULL,
    answered_by text NOT NULL,
    via text NOT NULL
);
CREATE UNIQUE INDEX answer_once ON vigil_store.answer (episode_id, kind, answered_by, coalesce(outcome, ''), coalesce(action, ''));

CREATE TABLE vigil_store.duty (
    duty_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team text NOT NULL,
    person text,
    instead_of text,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    source text NOT NULL DEFAULT '',
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    CHECK (starts_at < ends_at),
    CHECK (person IS NOT NULL OR instead_of IS NOT NULL)
);
CREATE INDEX duty_end ON vigil_store.duty (ends_at);

CREATE TABLE vigil_store.contact_check (
    person text NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    code_hash text,
    sent_at timestamptz,
    guesses int NOT NULL DEFAULT 0,
    verified_at timestamptz,
    PRIMARY KEY (person, channel, target)
);

CREATE TABLE vigil_store.mute (
    mute_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id text NOT NULL,
    reason text NOT NULL,
    until timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    lifted_at timestamptz,
    lifted_by text
);
CREATE INDEX mute_patient ON vigil_store.mute (patient_id, until) WHERE lifted_at IS NULL;

CREATE TABLE vigil_store.suppression (
    patient_id text NOT NULL,
    tier text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    hour timestamptz NOT NULL,
    first_score_id text NOT NULL,
    count int NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (patient_id, hour, tier, reason, detail)
);

CREATE OR REPLACE VIEW vigil.episodes AS
SELECT
    e.episode_id, coalesce(p.merged_into, e.patient_id) AS patient_id, e.encounter_id, e.tier, e.opened_at, e.closed_at, e.state, e.reason,
    e.closed_because, e.unit, e.bed, e.score_id,
    e.step, e.next_step_at, e.next_reason, e.bedside_at, e.bedside_by, e.outcome, e.outcome_action, e.outcome_at, e.outcome_by
FROM vigil_store.episode AS e
LEFT JOIN vigil_store.patient AS p ON p.patient_id = e.patient_id AND p.merged_into IS NOT NULL;

CREATE OR REPLACE VIEW vigil.pages AS
SELECT
    page_id, episode_id, tier, step, channel, target, state, attempts, created_at, accepted_at, acknowledged_at, acknowledged_by, unit, last_error,
    person, may_repeat, declined_at, declined_by
FROM vigil_store.page;

CREATE VIEW vigil.answers AS
SELECT episode_id, page_id, kind, outcome, action, answered_at, answered_by, via FROM vigil_store.answer;

CREATE VIEW vigil.duties AS
SELECT duty_id, team, person, instead_of, starts_at, ends_at, source, made_at, made_by FROM vigil_store.duty;

CREATE VIEW vigil.suppressed AS
SELECT coalesce(p.merged_into, s.patient_id) AS patient_id, s.tier, s.reason, s.detail, s.hour, s.first_score_id, s.count, s.last_at
FROM vigil_store.suppression AS s
LEFT JOIN vigil_store.patient AS p ON p.patient_id = s.patient_id AND p.merged_into IS NOT NULL;

CREATE VIEW vigil.mutes AS
SELECT m.mute_id, coalesce(p.merged_into, m.patient_id) AS patient_id, m.reason, m.until, m.made_at, m.made_by, m.lifted_at, m.lifted_by
FROM vigil_store.mute AS m
LEFT JOIN vigil_store.patient AS p ON p.patient_id = m.patient_id AND p.merged_into IS NOT NULL;
