UPDATE sessions SET data = ?
 WHERE token_hash = ? AND ended_at IS NULL AND expires_at > ?
   AND EXISTS (SELECT 1 FROM users WHERE users.id = sessions.user_id AND disabled_at IS NULL)
