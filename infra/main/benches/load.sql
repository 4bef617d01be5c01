-- What the benchmark of the whole path asks, and what it adds to the database of its own installation.

-- name: recorded
-- What was put aside as a backlog lies behind the progress and is not recorded yet.
SELECT (SELECT coalesce(sum(next_offset), 0) FROM vigil_store.progress)
    - (SELECT coalesce(sum(until_offset - next_offset), 0) FROM vigil_store.backlog)

-- name: stored_bytes
SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'vigil_store'::regnamespace AND relkind = 'r'

-- name: own_schema
-- A note of what is put aside as a backlog, and for the floors and the peer a table with the columns and indexes of Vigil's own.
CREATE SCHEMA vigil_bench;
CREATE TABLE vigil_bench.observation (LIKE vigil_store.observation INCLUDING ALL);
CREATE TABLE vigil_bench.put_aside (topic text, partition int, from_offset bigint, until_offset bigint);
CREATE FUNCTION vigil_bench.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO vigil_bench.put_aside VALUES (NEW.topic, NEW.partition, NEW.next_offset, NEW.until_offset);
    RETURN NULL;
END
$$;
CREATE TRIGGER note AFTER INSERT ON vigil_store.backlog FOR EACH ROW EXECUTE FUNCTION vigil_bench.note();

-- name: put_aside
SELECT coalesce(sum(until_offset - from_offset), 0) FROM vigil_bench.put_aside

-- name: received
SELECT m.topic, m.partition, m."offset", m.received_at
FROM vigil.messages AS m
WHERE m.control_id LIKE %(control_ids)s AND NOT EXISTS (
    SELECT FROM vigil_bench.put_aside AS p
    WHERE p.topic = m.topic AND p.partition = m.partition AND m."offset" >= p.from_offset AND m."offset" < p.until_offset
)

-- name: paged
SELECT extract(epoch FROM accepted_at - received_at)::float8 FROM vigil_store.page WHERE accepted_at IS NOT NULL

-- name: copy_bare
COPY vigil_bench.observation (patient_id, encounter_id, code, code_system, value_num, value_text, unit, canonical_code, canonical_num, canonical_unit,
    canonical_text, observed_at, received_at, status, result_key, topic, partition, "offset", ordinal) FROM STDIN

-- name: empty
TRUNCATE vigil_bench.observation

-- name: peer_rows
SELECT count(*) FROM vigil_bench.observation
