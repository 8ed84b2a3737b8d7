WITH dead AS (SELECT /*postgres ctid,*/ id FROM tickets WHERE expires_at <= ? ORDER BY expires_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM tickets WHERE /*postgres ctid = ANY (ARRAY (SELECT ctid FROM dead)) AND*/ id IN (SELECT id FROM dead)
