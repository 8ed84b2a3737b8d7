UPDATE sessions SET last_seen_at = ?
 WHERE token_hash = ? AND ended_at IS NULL AND expires_at > ? AND last_seen_at < ?
