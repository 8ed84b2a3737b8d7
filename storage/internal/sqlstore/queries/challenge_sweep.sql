WITH dead AS (SELECT binding FROM challenges WHERE expires_at <= ? ORDER BY expires_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM challenges WHERE binding IN (SELECT binding FROM dead)
