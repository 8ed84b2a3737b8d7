WITH dead AS (SELECT /*postgres ctid,*/ token_hash FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM sessions WHERE /*postgres ctid = ANY (ARRAY (SELECT ctid FROM dead)) AND*/ token_hash IN (SELECT token_hash FROM dead)
