-- Makes room for one more session: ends the oldest ones.
UPDATE sessions SET ended_at = ?
 WHERE token_hash IN (SELECT token_hash FROM sessions
                       WHERE user_id = ? AND client_id = ? AND ended_at IS NULL AND expires_at > ?
                       ORDER BY created_at DESC, token_hash DESC LIMIT 1000 OFFSET ?)
