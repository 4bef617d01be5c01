-- The audit log.

-- name: lock_audit
SELECT pg_advisory_xact_lock(7106116562)

-- name: last_audit
SELECT hash FROM vigil_store.audit_log ORDER BY number DESC LIMIT 1

-- name: whole_audit
SELECT number, at, actor, action, subject, detail, hash FROM vigil_store.audit_log ORDER BY number

-- name: put_audit
INSERT INTO vigil_store.audit_log (at, actor, action, subject, detail, hash) VALUES (%(at)s, %(actor)s, %(action)s, %(subject)s, %(detail)s, %(hash)s)
