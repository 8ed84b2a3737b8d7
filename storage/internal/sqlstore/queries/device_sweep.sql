WITH dead AS (SELECT /*postgres ctid,*/ address, device FROM devices WHERE seen_at <= ? ORDER BY seen_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM devices WHERE /*postgres ctid = ANY (ARRAY (SELECT ctid FROM dead)) AND*/ (address, device) IN (SELECT address, device FROM dead)
