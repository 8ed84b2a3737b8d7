WITH dead AS (SELECT seq FROM captchas WHERE expires_at <= ? ORDER BY expires_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM captchas WHERE seq IN (SELECT seq FROM dead)
