UPDATE sessions SET ended_at = ? WHERE token_hash = ? AND ended_at IS NULL AND expires_at > ?
