-- How long facts are kept: policies of TimescaleDB, deletions on a plain PostgreSQL.

-- name: has_policies
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') AND coalesce(current_setting('timescaledb.license', true), '') = 'timescale'

-- name: keep_for_ever
SELECT remove_retention_policy(%(table)s::regclass, if_exists => true)

-- name: keep
SELECT add_retention_policy(%(table)s::regclass, drop_after => %(age)s::interval)

-- name: delete_messages
DELETE FROM vigil_store.message WHERE received_at < now() - %(age)s::interval

-- name: delete_observations
DELETE FROM vigil_store.observation WHERE observed_at < now() - %(age)s::interval

-- name: delete_scores
DELETE FROM vigil_store.score WHERE scored_at < now() - %(age)s::interval
