WITH dead AS (SELECT key FROM limits WHERE tat <= ? ORDER BY tat LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM limits WHERE key IN (SELECT key FROM dead)
