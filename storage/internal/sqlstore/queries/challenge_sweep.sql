WITH dead AS (SELECT /*postgres ctid,*/ binding FROM challenges WHERE expires_at <= ? ORDER BY expires_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM challenges WHERE /*postgres ctid = ANY (ARRAY (SELECT ctid FROM dead)) AND*/ binding IN (SELECT binding FROM dead)
