-- When a patient must be scored although no message comes; whose an episode was before a merge; scores on their way to the EHR; who may see the board.
-- depends: 0015.carried

-- One row a patient at most: the next instant at which time alone changes a score. May be lost or emptied; the next message makes it again.
-- `anew`: the patient is to be scored at `due_at` whatever changed, because somebody else's facts were taken away.
CREATE TABLE vigil_store.wake_up (
    patient_id text PRIMARY KEY,
    partition int NOT NULL,
    due_at timestamptz NOT NULL,
    anew boolean NOT NULL DEFAULT false
);
CREATE INDEX wake_up_due ON vigil_store.wake_up (partition, due_at);

-- Whose an episode, or a mute, was when it began, where a merge has made it another's; and how an episode stood that a merge ended. Both are needed to
-- take the merge back.
ALTER TABLE vigil_store.episode ADD COLUMN recorded_as text, ADD COLUMN state_before text;
ALTER TABLE vigil_store.mute ADD COLUMN recorded_as text;

-- Scores on their way to the EHR: one row a channel, patient and score, so that after an outage the newest goes out and no other.
CREATE TABLE vigil_store.write_back (
    channel text NOT NULL,
    patient_id text NOT NULL,
    name text NOT NULL,
    score_id text NOT NULL,
    encounter_id text,
    version text NOT NULL,
    value double precision NOT NULL,
    band text NOT NULL,
    as_of timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'sent', 'refused')),
    attempts int NOT NULL DEFAULT 0,
    queued_at timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    sent_score_id text,
    sent_at timestamptz,
    last_error text,
    PRIMARY KEY (channel, patient_id, name)
);
CREATE INDEX write_back_due ON vigil_store.write_back (channel, next_attempt_at) WHERE state IN ('pending', 'sending');

CREATE VIEW vigil.write_backs AS
SELECT
    w.channel, coalesce(p.merged_into, w.patient_id) AS patient_id, w.name, w.score_id, w.version, w.value, w.as_of, w.state, w.attempts, w.sent_score_id,
    w.sent_at, w.last_error
FROM vigil_store.write_back AS w
LEFT JOIN vigil_store.patient AS p ON p.patient_id = w.patient_id AND p.merged_into IS NOT NULL;

-- Who may open the board, by a secret of which only the hash is kept.
CREATE TABLE vigil_store.board_access (
    name text PRIMARY KEY,
    token_hash text NOT NULL UNIQUE,
    granted_at timestamptz NOT NULL,
    granted_by text NOT NULL
);
