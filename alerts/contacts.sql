-- Whether a contact reaches whom it should.

-- name: put_code
INSERT INTO vigil_store.contact_check (person, channel, target, code_hash, sent_at, guesses)
VALUES (%(person)s, %(channel)s, %(target)s, %(code_hash)s, %(at)s, 0)
ON CONFLICT (person, channel, target) DO UPDATE SET code_hash = excluded.code_hash, sent_at = excluded.sent_at, guesses = 0

-- name: guess
UPDATE vigil_store.contact_check SET guesses = guesses + 1
WHERE person = %(person)s AND channel = %(channel)s AND target = %(target)s AND code_hash IS NOT NULL AND sent_at > %(since)s AND guesses < %(most)s
RETURNING code_hash

-- name: verified
UPDATE vigil_store.contact_check SET verified_at = %(at)s, code_hash = NULL
WHERE person = %(person)s AND channel = %(channel)s AND target = %(target)s

-- name: all_verified
SELECT person, channel, target FROM vigil_store.contact_check WHERE verified_at IS NOT NULL
