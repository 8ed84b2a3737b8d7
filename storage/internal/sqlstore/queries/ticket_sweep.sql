WITH dead AS (SELECT id FROM tickets WHERE expires_at <= ? ORDER BY expires_at LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM tickets WHERE id IN (SELECT id FROM dead)
