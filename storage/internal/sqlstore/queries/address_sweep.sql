WITH dead AS (SELECT /*postgres ctid,*/ key FROM addresses WHERE seen_at <= ? ORDER BY seen_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM addresses WHERE /*postgres ctid = ANY (ARRAY (SELECT ctid FROM dead)) AND*/ key IN (SELECT key FROM dead)
