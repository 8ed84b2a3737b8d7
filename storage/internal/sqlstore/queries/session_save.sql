UPDATE sessions SET data = ?
 WHERE token_hash = ? AND ended_at IS NULL AND expires_at > ?
   AND user_id IN (SELECT id FROM users WHERE disabled_at IS NULL)
