WITH dead AS (SELECT key FROM addresses WHERE seen_at <= ? ORDER BY seen_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM addresses WHERE key IN (SELECT key FROM dead)
