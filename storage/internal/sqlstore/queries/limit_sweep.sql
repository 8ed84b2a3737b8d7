WITH dead AS (SELECT /*postgres ctid,*/ key FROM limits WHERE tat <= ? ORDER BY tat LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM limits WHERE /*postgres ctid = ANY (ARRAY (SELECT ctid FROM dead)) AND*/ key IN (SELECT key FROM dead)
