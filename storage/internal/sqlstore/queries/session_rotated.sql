SELECT 1 FROM sessions
 WHERE token_hash = ? AND previous_hash = ? AND rotated_at > ? AND ended_at IS NULL AND expires_at > ?
