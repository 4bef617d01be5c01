-- Who may open the board.

-- name: grant
INSERT INTO vigil_store.board_access (name, token_hash, granted_at, granted_by) VALUES (%(name)s, %(hash)s, %(at)s, %(by)s)
ON CONFLICT (name) DO UPDATE SET token_hash = excluded.token_hash, granted_at = excluded.granted_at, granted_by = excluded.granted_by

-- name: revoke
DELETE FROM vigil_store.board_access WHERE name = %(name)s RETURNING name

-- name: who
SELECT name FROM vigil_store.board_access WHERE token_hash = %(hash)s

-- name: all
SELECT name, granted_at, granted_by FROM vigil_store.board_access ORDER BY name
