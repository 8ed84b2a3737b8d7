UPDATE sessions SET ended_at = ? WHERE user_id = ? AND ended_at IS NULL
