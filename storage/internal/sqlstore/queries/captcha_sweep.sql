WITH dead AS (SELECT /*postgres ctid,*/ seq FROM captchas WHERE expires_at <= ? ORDER BY expires_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM captchas WHERE /*postgres ctid = ANY (ARRAY (SELECT ctid FROM dead)) AND*/ seq IN (SELECT seq FROM dead)
