WITH dead AS (SELECT token_hash FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM dead)
