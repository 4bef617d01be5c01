-- Where model versions stand.

-- name: standings
SELECT model, version, served, stage, manifest_sha256, units FROM vigil.models WHERE model = %(model)s ORDER BY since

-- name: evidence
SELECT
    count(*), count(*) FILTER (WHERE explanation ? 'abstained'),
    coalesce(extract(epoch FROM max(scored_at) - min(scored_at)) / 3600, 0)::float8
FROM vigil_store.score
WHERE name = %(model)s AND version = %(version)s AND scored_at >= coalesce(
    %(since)s::timestamptz, (SELECT since FROM vigil.models WHERE model = %(model)s AND version = %(version)s), '-infinity'
)

-- name: lock
SELECT pg_advisory_xact_lock(7106116565)

-- name: put
INSERT INTO vigil_store.model_stage (model, version, served, stage, manifest_sha256, units, at, actor, signed_by, evidence, reason)
VALUES (%(model)s, %(version)s, %(served)s, %(stage)s, %(manifest_sha256)s, %(units)s, %(at)s, %(actor)s, %(signed_by)s, %(evidence)s, %(reason)s)

-- name: put_drift
INSERT INTO vigil_store.unit_drift (feed, quantity, looks_like, detail, seen_at)
VALUES (%(feed)s, %(quantity)s, %(looks_like)s, %(detail)s, now())
ON CONFLICT (feed, quantity) DO UPDATE SET looks_like = excluded.looks_like, detail = excluded.detail, seen_at = excluded.seen_at

-- name: drifts
SELECT feed, quantity, looks_like, detail FROM vigil_store.unit_drift WHERE seen_at > now() - %(within_s)s * interval '1 second' ORDER BY feed, quantity
