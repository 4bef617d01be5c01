-- To be run with psql on a grown database before it is brought to 0008, while everything goes on: the two indexes that would keep writers waiting.
-- On TimescaleDB leave CONCURRENTLY out and add WITH (timescaledb.transaction_per_chunk) before WHERE: it locks a chunk at a time.

CREATE INDEX CONCURRENTLY IF NOT EXISTS message_control_id ON vigil_store.message (control_id, sent_by) WHERE control_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS observation_baseline ON vigil_store.observation (patient_id, observed_at) WHERE canonical_code = '2160-0';
