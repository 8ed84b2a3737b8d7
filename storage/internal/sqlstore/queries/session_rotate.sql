UPDATE sessions SET token_hash = ?, previous_hash = ?, rotated_at = ?
 WHERE token_hash = ? AND ended_at IS NULL AND expires_at > ?
