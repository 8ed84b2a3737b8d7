WITH dead AS (SELECT address, device FROM devices WHERE seen_at <= ? ORDER BY seen_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM devices WHERE (address, device) IN (SELECT address, device FROM dead)
